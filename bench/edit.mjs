import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { planOverlay } from "../packages/daemon/dist/build/function/plan-overlay.js";
import { compareEdits } from "./lib/compare-edits.mjs";
import { pick } from "./lib/counts.mjs";
import { call, until } from "./lib/functions.mjs";
import { copyProject, edit, makeFolder, root, seconds, startPlatform, time } from "./lib/platform.mjs";

const rounds = pick(7, 2);
const run = promisify(execFile);
const flags = ["--allow-unauthenticated"];

export const about = `One line of a handler is changed: \`bloom app deploy\` and then calls until the new answer comes, beside
\`cargo build --release\` of the very tree that the platform compiles (manifest, lockfile and wrapper as it lays them over the
code) in a target folder of its own.`;

/** A function whose handler is changed in one line, until the new answer is served, beside cargo's own time. */
export async function measure() {
  const platform = await startPlatform();
  const folders = {
    mine: copyProject("examples/function-hello"),
    peer: copyProject("examples/function-hello"),
    target: makeFolder("target"),
  };
  const plan = layOverlay(folders.peer);
  const args = ["build", "--release", ...(plan.isLockComplete ? ["--locked"] : [])];
  const cargo = () =>
    run("cargo", args, { cwd: folders.peer, env: { ...process.env, CARGO_TARGET_DIR: folders.target } });
  const deploy = (name) => platform.json("app", "deploy", name, "-c", folders.mine, ...flags);
  try {
    const clean = await time(cargo);
    const bytes = statSync(join(folders.target, "release", plan.bin)).size;
    await deploy("first");
    // What is compiled of the dependencies is there now, as it is after the platform's first start.
    const { timings } = await deploy("second");

    const [edited, cargoEdited] = [[], []];
    for (let round = 0; round < rounds; round++) {
      const greeting = `Hello ${round}`;
      const change = (text) => text.replace(/Hello[^,]*,/, `${greeting},`);
      for (const name of ["mine", "peer"]) edit(join(folders[name], plan.handler.file), change);
      cargoEdited.push(await time(cargo));
      edited.push(
        await time(async () => {
          await deploy("first");
          const ask = () => call(platform.httpPort, "first");
          await until(ask, ({ text }) => text.includes(`${greeting},`));
        }),
      );
    }
    return [
      compareEdits("one-line edit of a function until the new answer is served", edited, cargoEdited, 1000),
      {
        what: "the first compile of another function, with the dependencies that all share",
        ...atMost(timings.compileMs, 3000),
      },
      { what: "cargo alone: a clean build of the smallest function", ...atMost(clean, 40_000) },
      {
        what: "its program",
        result: `${(bytes / 1e6).toFixed(2)} MB`,
        target: "≤ 2 MB",
        met: bytes <= 2e6,
        bytes,
      },
    ];
  } finally {
    await platform.stop();
    for (const folder of Object.values(folders)) rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes of the folder what the platform compiles: the same manifest, the same lockfile, the same wrapper. */
function layOverlay(folder) {
  const sdk = join(root, "crates/ignite");
  const paths = readdirSync(folder, { recursive: true }).filter((path) =>
    statSync(join(folder, path)).isFile(),
  );
  const plan = planOverlay({
    sources: {
      list: () => paths,
      read: (path) => (paths.includes(path) ? readFileSync(join(folder, path), "utf8") : undefined),
    },
    sdk: { path: sdk, version: "0.1.0", lockfile: readFileSync(join(sdk, "function.lock"), "utf8") },
    dependencies: [],
  });
  for (const [path, text] of plan.files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return plan;
}

function atMost(ms, most) {
  return { result: seconds(ms), target: `≤ ${most / 1000} s`, met: ms <= most, ms };
}
