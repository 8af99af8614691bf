import { chmodSync, existsSync, rmSync, symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { hashFiles } from "../lib/hash-files.mjs";
import { binOf, localDir, root } from "../lib/paths.mjs";
import { runQuietly } from "../lib/run-command.mjs";
import { readText, writeWhole } from "../lib/stamps.mjs";
import { StepError } from "../lib/steps.mjs";

const packages = ["packages/contract", "packages/daemon", "packages/cli"];
const stamp = join(localDir, "typescript.built-from");

/** The TypeScript packages are compiled from the sources as they are now, and `npx bloom` runs them. */
export async function ensureTypeScript(say) {
  const sources = hashFiles([
    "package-lock.json",
    "tsconfig.base.json",
    ...packages.flatMap((path) => [`${path}/src`, `${path}/package.json`, `${path}/tsconfig.json`]),
  ]);
  const isBuilt = packages.every((path) => existsSync(join(root, path, "dist", ".tsbuildinfo")));
  if (isBuilt && readText(stamp) === sources) {
    linkPrograms();
    return "up to date";
  }
  say("tsc");
  await runQuietly([binOf("tsc"), "-b", ...packages]).catch((cause) => {
    throw new StepError("The TypeScript packages do not compile.", { cause });
  });
  linkPrograms();
  writeWhole(stamp, sources);
  return "built";
}

/** npm links a workspace's programs only if they exist when it installs, and in a fresh clone they do not. */
function linkPrograms() {
  for (const path of packages) {
    const manifest = JSON.parse(readText(join(root, path, "package.json")));
    for (const [name, file] of Object.entries(manifest.bin ?? {})) {
      const program = join(root, path, file);
      if (!existsSync(program)) continue;
      chmodSync(program, 0o755);
      if (existsSync(binOf(name))) continue;
      rmSync(binOf(name), { force: true });
      symlinkSync(relative(join(root, "node_modules", ".bin"), program), binOf(name));
    }
  }
}
