import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { compareEdits } from "./lib/compare-edits.mjs";
import { copyProject, edit, makeFolder, seconds, startPlatform, summarize, time } from "./lib/platform.mjs";

const rounds = 5;
const run = promisify(execFile);

/** How long a deploy takes for whoever waits for it; a changed source beside `cargo build` of the same tree. */
export async function measure() {
  const platform = await startPlatform();
  const project = copyProject("examples/web-hello");
  const peer = copyProject("examples/web-hello");
  const target = makeFolder("target");
  const main = join("src", "main.rs");
  try {
    const deploy = () => platform.bloom("deploy", project, "-a", "bench");
    const cargo = () =>
      run("cargo", ["build", "--release", "--locked"], {
        cwd: peer,
        env: { ...process.env, CARGO_TARGET_DIR: target },
      });
    await deploy();
    await cargo();

    const unchanged = [];
    for (let round = 0; round < rounds; round++) unchanged.push(await time(deploy));

    const edited = [];
    const cargoEdited = [];
    for (let round = 0; round < rounds; round++) {
      const change = (text) => text.replace(/Hello from Rust.*?This/, `Hello from Rust ${round}! This`);
      edit(join(project, main), change);
      edit(join(peer, main), change);
      cargoEdited.push(await time(cargo));
      edited.push(await time(deploy));
    }

    const rollbacks = [];
    for (let round = 0; round < rounds; round++) {
      rollbacks.push(await time(() => platform.bloom("rollback", "bench", String(2 + (round % 2)))));
    }

    const [noChange, rollback] = [unchanged, rollbacks].map(summarize);
    return [
      {
        what: "deploy without a change",
        result: seconds(noChange.median),
        target: "< 1.5 s",
        met: noChange.median < 1500,
        ms: noChange,
      },
      {
        what: "rollback",
        result: seconds(rollback.median),
        target: "< 1 s",
        met: rollback.median < 1000,
        ms: rollback,
      },
      compareEdits("one-line edit to live", edited, cargoEdited),
    ];
  } finally {
    await platform.stop();
    for (const folder of [project, peer, target]) rmSync(folder, { recursive: true, force: true });
  }
}
