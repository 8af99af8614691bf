import { join } from "node:path";
import { root } from "../lib/paths.mjs";
import { runQuietly } from "../lib/run-command.mjs";
import { readText } from "../lib/stamps.mjs";
import { StepError } from "../lib/steps.mjs";

/** node_modules is what package-lock.json says; `npm ci` makes it so when it is not. */
export async function ensureNodePackages(say) {
  const wanted = readLock(join(root, "package-lock.json"));
  const different = planNodePackages(wanted, readLock(join(root, "node_modules", ".package-lock.json")));
  if (different.length === 0) return "up to date";
  say(`npm ci, ${different.length} packages differ`);
  await runQuietly(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).catch(
    (cause) => {
      throw new StepError("The npm packages could not be installed.", { cause });
    },
  );
  return "installed";
}

/**
 * Names the packages that are not installed as `wanted` has them. `installed` is the record npm itself
 * keeps inside node_modules, written last, so a broken-off install never looks whole.
 */
export function planNodePackages(wanted, installed) {
  return Object.keys(wanted).filter((path) => {
    const entry = wanted[path];
    const found = installed[path];
    if (!path.startsWith("node_modules/")) return false;
    // Optional packages of other platforms are listed but rightly not installed.
    if (found === undefined) return entry.optional !== true;
    return found.version !== entry.version || found.integrity !== entry.integrity;
  });
}

function readLock(path) {
  const text = readText(path);
  return text === undefined ? {} : JSON.parse(text).packages;
}
