import { existsSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

/** What the modules that are there make possible. */
export interface NginxFeatures {
  readonly brotli: boolean;
  readonly brotliStatic: boolean;
  readonly headersMore: boolean;
}

const files = {
  brotli: "ngx_http_brotli_filter_module.so",
  brotliStatic: "ngx_http_brotli_static_module.so",
  headersMore: "ngx_http_headers_more_filter_module.so",
} as const;

const losses: Readonly<Record<keyof NginxFeatures, string>> = {
  brotli: "static files are compressed with gzip only (libnginx-mod-http-brotli-filter)",
  brotliStatic: "files compressed beforehand as .br are not used (libnginx-mod-http-brotli-static)",
  headersMore: "answers carry the header `Server: nginx` (libnginx-mod-http-headers-more-filter)",
};

/** `modules` are full paths of files to load. */
export function readFeatures(modules: readonly string[]): NginxFeatures {
  const has = (file: string): boolean => modules.some((path) => path.endsWith(`/${file}`));
  return {
    brotli: has(files.brotli),
    brotliStatic: has(files.brotliStatic),
    headersMore: has(files.headersMore),
  };
}

/** The modules of ours that are installed for this nginx and that it can load, and what is lost without the others. */
export async function findModules(
  binary: string,
): Promise<{ readonly modules: readonly string[]; readonly lost: readonly string[] }> {
  const { stderr, stdout } = await execa(binary, ["-V"], { reject: false, stdin: "ignore" });
  const folder = /--modules-path=(\S+)/.exec(`${stderr}${stdout}`)?.[1];
  const modules: string[] = [];
  for (const file of Object.values(files)) {
    const path = folder === undefined ? undefined : join(folder, file);
    if (path !== undefined && existsSync(path) && (await isLoadable(binary, path))) modules.push(path);
  }
  const features = readFeatures(modules);
  const names = Object.keys(files) as (keyof NginxFeatures)[];
  return { modules, lost: names.filter((name) => !features[name]).map((name) => losses[name]) };
}

/** A module made for another nginx would stop ours from starting. Every complaint about it has its path. */
async function isLoadable(binary: string, path: string): Promise<boolean> {
  const args = ["-t", "-c", "/dev/null", "-g", `load_module ${path};`];
  const result = await execa(binary, args, { reject: false, stdin: "ignore", timeout: 10_000 });
  return !result.stderr.includes(path);
}
