import { access } from "node:fs/promises";
import { join } from "node:path";
import { nginxModules, type NginxModule } from "@bloomery/contract";
import { judge, type Check } from "./check.js";
import { runQuietly } from "./programs.js";

/** What nginx has of all that the platform makes use of when it is there. */
export async function checkNginx(env: NodeJS.ProcessEnv): Promise<readonly Check[]> {
  const built = (await runQuietly("nginx", ["-V"], env)) ?? "";
  return [await checkModules(built), checkAuthority(built)];
}

async function checkModules(built: string): Promise<Check> {
  const folder = /--modules-path=(\S+)/.exec(built)?.[1];
  const missing: NginxModule[] = [];
  for (const one of Object.values(nginxModules)) {
    const isThere = folder !== undefined && (await access(join(folder, one.file)).then(yes, no));
    if (!isThere) missing.push(one);
  }
  const found = missing.length === 0 ? "all there" : missing.map(({ loss }) => loss).join("; ");
  const packages = missing.map(({ debianPackage }) => debianPackage).join(" ");
  return judge("nginx modules", missing.length === 0, found, `sudo apt-get install ${packages}`, true);
}

/** This module is always built in, or not there. */
function checkAuthority(built: string): Check {
  const isThere = /--with-http_auth_request_module(?!=)/.test(built);
  const lost = "without http_auth_request functions that need a bearer token are refused";
  const fix =
    "sudo apt-get install nginx: that of Debian and Ubuntu has it, one of your own is built --with-http_auth_request_module";
  return judge("nginx auth_request", isThere, isThere ? "there" : lost, fix, true);
}

const yes = (): boolean => true;
const no = (): boolean => false;
