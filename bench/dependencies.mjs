import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { compareEdits } from "./lib/compare-edits.mjs";
import { copyProject, edit, makeFolder, seconds, startPlatform, time } from "./lib/platform.mjs";

const rounds = 5;
const run = promisify(execFile);

/**
 * An app with real dependencies: an edit beside cargo's own time, and what later apps gain from the first one's
 * dependencies. The second has the same lockfile, the third one package more.
 */
export async function measure() {
  const platform = await startPlatform();
  const folders = {
    first: copyProject("examples/web-axum"),
    second: copyProject("examples/web-axum"),
    third: copyProject("examples/web-axum"),
    peer: copyProject("examples/web-axum"),
    target: makeFolder("target"),
  };
  const cargo = () =>
    run("cargo", ["build", "--release", "--locked"], {
      cwd: folders.peer,
      env: { ...process.env, CARGO_TARGET_DIR: folders.target },
    });
  const deploy = (name, app) => platform.json("deploy", folders[name], "-a", app);
  try {
    const clean = await time(cargo);
    const first = (await deploy("first", "first")).timings.buildMs;
    const second = (await deploy("second", "second")).timings.buildMs;
    edit(join(folders.third, "Cargo.toml"), (text) =>
      text.replace("[dependencies]\n", '[dependencies]\nhumantime = "2"\n'),
    );
    await run("cargo", ["update", "--workspace"], { cwd: folders.third });
    const third = (await deploy("third", "third")).timings.buildMs;

    const [edited, cargoEdited] = [[], []];
    for (let round = 0; round < rounds; round++) {
      const change = (text) => text.replace(/"asked to end[^"]*/, `"asked to end ${round}`);
      for (const name of ["first", "peer"]) edit(join(folders[name], "src/program.rs"), change);
      cargoEdited.push(await time(cargo));
      edited.push(await time(() => deploy("first", "first")));
    }
    return [
      compareEdits("web-axum: one-line edit to live", edited, cargoEdited),
      share("web-axum: a second app with the same lockfile", second, first, 0.15),
      share("web-axum: a third app with one package more", third, first, 1),
      {
        what: "web-axum: the very first build",
        peer: "cargo build of the same tree in place, nothing compiled before",
        result: `${seconds(first)} beside ${seconds(clean)}`,
        target: "told, not judged",
        met: true,
        ms: first,
        peerMs: clean,
      },
    ];
  } finally {
    await platform.stop();
    for (const folder of Object.values(folders)) rmSync(folder, { recursive: true, force: true });
  }
}

function share(what, ms, firstMs, most) {
  const ratio = ms / firstMs;
  return {
    what,
    peer: "the first app's build",
    result: `${ratio.toFixed(3)} × (${seconds(ms)} beside ${seconds(firstMs)})`,
    target: most === 1 ? "< 1 ×" : `≤ ${most} ×`,
    met: most === 1 ? ratio < 1 : ratio <= most,
    ms,
    peerMs: firstMs,
  };
}
