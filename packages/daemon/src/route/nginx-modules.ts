import { existsSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { nginxModules, streamModule, type NginxModule } from "@bloomery/contract";

/** What the modules that are there make possible. */
export type NginxFeatures = Readonly<Record<keyof typeof nginxModules, boolean>>;

/** `modules` are full paths of files to load. */
export function readFeatures(modules: readonly string[]): NginxFeatures {
  const has = (file: string): boolean => modules.some((path) => path.endsWith(`/${file}`));
  return {
    brotli: has(nginxModules.brotli.file),
    brotliStatic: has(nginxModules.brotliStatic.file),
    headersMore: has(nginxModules.headersMore.file),
  };
}

export interface FoundModules {
  /** Full paths of files to load. */
  readonly modules: readonly string[];
  /** What the platform must do without. */
  readonly lost: readonly string[];
  /** Whether nginx can ask somebody whether a request may pass; this module is always built in, or not there. */
  readonly asksAuthority: boolean;
  /** What it can do with raw TCP; null: nothing. */
  readonly stream: { readonly tls: boolean } | null;
}

/** The modules of ours that are installed for this nginx and that it can load, and what is lost without the others. */
export async function findModules(binary: string): Promise<FoundModules> {
  const { stderr, stdout } = await execa(binary, ["-V"], { reject: false, stdin: "ignore" });
  const built = `${stderr}${stdout}`;
  const folder = /--modules-path=(\S+)/.exec(built)?.[1];
  const modules: string[] = [];
  const lost: string[] = [];
  const load = async (one: NginxModule): Promise<boolean> => {
    const path = folder === undefined ? undefined : join(folder, one.file);
    const isThere = path !== undefined && existsSync(path) && (await isLoadable(binary, path));
    if (isThere) modules.push(path);
    else lost.push(describeLoss(one));
    return isThere;
  };
  for (const one of Object.values(nginxModules)) await load(one);
  const hasStream = /--with-stream(?=\s|$)/.test(built) || (await load(streamModule));
  const asksAuthority = /--with-http_auth_request_module(?!=)/.test(built);
  if (!asksAuthority)
    lost.push("functions that need a bearer token are refused (nginx with http_auth_request)");
  const tls = /--with-stream_ssl_module(?!=)/.test(built);
  return { modules, lost, asksAuthority, stream: hasStream ? { tls } : null };
}

function describeLoss({ loss, debianPackage }: NginxModule): string {
  return `${loss} (${debianPackage})`;
}

/** A module made for another nginx would stop ours from starting. Every complaint about it has its path. */
async function isLoadable(binary: string, path: string): Promise<boolean> {
  const args = ["-t", "-c", "/dev/null", "-g", `load_module ${path};`];
  const result = await execa(binary, args, { reject: false, stdin: "ignore", timeout: 10_000 });
  return !result.stderr.includes(path);
}
