import { access } from "node:fs/promises";
import { join } from "node:path";
import { nginxModules, streamModule, type NginxModule } from "@bloomery/contract";
import { judge, type Check } from "./check.js";
import { runQuietly } from "./programs.js";

/** What nginx has of all that the platform makes use of when it is there. */
export async function checkNginx(env: NodeJS.ProcessEnv): Promise<readonly Check[]> {
  const built = (await runQuietly("nginx", ["-V"], env)) ?? "";
  return [await checkModules(built), checkAuthority(built), await checkStream(built)];
}

async function checkModules(built: string): Promise<Check> {
  const missing: NginxModule[] = [];
  for (const one of Object.values(nginxModules)) {
    if (!(await isInstalled(built, one))) missing.push(one);
  }
  const found = missing.length === 0 ? "all there" : missing.map(({ loss }) => loss).join("; ");
  const packages = missing.map(({ debianPackage }) => debianPackage).join(" ");
  return judge("nginx modules", missing.length === 0, found, `sudo apt-get install ${packages}`, true);
}

/** This module is built in, or a file of its own. */
async function checkStream(built: string): Promise<Check> {
  const isThere = /--with-stream(?=\s|$)/.test(built) || (await isInstalled(built, streamModule));
  const fix = `sudo apt-get install ${streamModule.debianPackage}`;
  return judge("nginx stream", isThere, isThere ? "there" : `without it ${streamModule.loss}`, fix, true);
}

async function isInstalled(built: string, { file }: NginxModule): Promise<boolean> {
  const folder = /--modules-path=(\S+)/.exec(built)?.[1];
  return folder !== undefined && (await access(join(folder, file)).then(yes, no));
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
