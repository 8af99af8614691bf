import { copyFileSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheDir, root } from "../lib/paths.mjs";
import { runQuietly } from "../lib/run-command.mjs";
import { readText, writeWhole } from "../lib/stamps.mjs";
import { StepError } from "../lib/steps.mjs";
import { ensureSystemPackages, programs } from "./system-packages.mjs";

const name = "better-sqlite3";
const folder = join(root, "node_modules", name);
const built = join(folder, "build", "Release", "better_sqlite3.node");
const stamp = `${built}.works-with`;

/**
 * SQLite's native part is there and loads in this Node. In order: already there, kept from another
 * checkout, downloaded ready-made, compiled (about two minutes), whichever works first.
 */
export async function ensureNativeModules(say) {
  const key = keyOf(JSON.parse(readText(join(folder, "package.json"))).version);
  if (existsSync(built) && readText(stamp) === key) return "up to date";
  const kept = join(cacheDir, "native", `${key}.node`);

  const ways = [
    ["was already built", async () => {}],
    ["taken from the cache", async () => copyWhole(kept, built)],
    ["downloaded", async () => download()],
    ["compiled", async () => compile(say)],
  ];
  for (const [note, attempt] of ways) {
    const isLast = note === "compiled";
    try {
      await attempt();
      await assertLoads();
    } catch (cause) {
      if (!isLast) continue;
      if (cause instanceof StepError) throw cause;
      throw new StepError(`${name} could not be compiled.`, { cause });
    }
    writeWhole(stamp, key);
    if (!existsSync(kept)) copyWhole(built, kept);
    return note;
  }
}

/** One compiled file serves one release of the module on one kind of Node. */
function keyOf(version) {
  return [name, version, process.versions.modules, process.platform, process.arch].join("-");
}

async function download() {
  await runQuietly([process.execPath, join(root, "node_modules", "prebuild-install", "bin.js")], {
    cwd: folder,
    timeoutMs: 60_000,
  });
}

async function compile(say) {
  await ensureSystemPackages(programs.compile, say);
  say(`compiling ${name}, once; about two minutes`);
  await runQuietly(["npm", "rebuild", name, "--foreground-scripts", "--loglevel=error"]);
}

/** Tried in a child: a wrong native file may end the process instead of throwing. */
async function assertLoads() {
  const script = `new (require(${JSON.stringify(folder)}))(":memory:").close()`;
  await runQuietly([process.execPath, "-e", script]);
}

function copyWhole(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  const next = `${to}.${process.pid}.new`;
  copyFileSync(from, next);
  renameSync(next, to);
}
