import { access } from "node:fs/promises";
import { join } from "node:path";
import { judge, type Check } from "./check.js";
import { runQuietly } from "./programs.js";

/** Modules that nginx may load, what is lost without each, and the package that brings it. */
const modules = [
  {
    file: "ngx_http_brotli_filter_module.so",
    loss: "static files are compressed with gzip only",
    debianPackage: "libnginx-mod-http-brotli-filter",
  },
  {
    file: "ngx_http_brotli_static_module.so",
    loss: "files compressed beforehand as .br are not used",
    debianPackage: "libnginx-mod-http-brotli-static",
  },
  {
    file: "ngx_http_headers_more_filter_module.so",
    loss: "answers carry the header `Server: nginx`",
    debianPackage: "libnginx-mod-http-headers-more-filter",
  },
] as const;

/** Whether nginx has the modules the platform makes use of when they are there. */
export async function checkNginxModules(env: NodeJS.ProcessEnv): Promise<Check> {
  const built = (await runQuietly("nginx", ["-V"], env)) ?? "";
  const folder = /--modules-path=(\S+)/.exec(built)?.[1];
  const missing: (typeof modules)[number][] = [];
  for (const one of modules) {
    const isThere = folder !== undefined && (await access(join(folder, one.file)).then(yes, no));
    if (!isThere) missing.push(one);
  }
  const found = missing.length === 0 ? "all there" : missing.map(({ loss }) => loss).join("; ");
  const packages = missing.map(({ debianPackage }) => debianPackage).join(" ");
  return judge("nginx modules", missing.length === 0, found, `sudo apt-get install ${packages}`, true);
}

const yes = (): boolean => true;
const no = (): boolean => false;
