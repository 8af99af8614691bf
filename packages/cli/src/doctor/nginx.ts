import { access } from "node:fs/promises";
import { join } from "node:path";
import { nginxModules, type NginxModule } from "@bloomery/contract";
import { judge, type Check } from "./check.js";
import { runQuietly } from "./programs.js";

/** Whether nginx has the modules the platform makes use of when they are there. */
export async function checkNginxModules(env: NodeJS.ProcessEnv): Promise<Check> {
  const built = (await runQuietly("nginx", ["-V"], env)) ?? "";
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

const yes = (): boolean => true;
const no = (): boolean => false;
