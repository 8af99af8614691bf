import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { planBuildFolders } from "../../../src/build/build-folders.js";
import { prepareFolders } from "../../../src/build/prepare-build.js";
import type { BuildRun } from "../../../src/build/run-build.js";
import { openTemplates, type Templates } from "../../../src/build/templates/open-templates.js";
import type { TemplatePlan } from "../../../src/build/templates/plan-template.js";
import { makeTempDir } from "../helpers.js";

const stats = { units: 1, fresh: 0, compiled: 1, rebuilt: [] };
const planOf = (key: string): TemplatePlan => ({
  key: key.repeat(64),
  flavor: { toolchain: "1.95.0", profile: "release", target: null, variables: [] },
  packages: [`${key} 1.0.0 ff`],
  cargo: { profile: "release", target: null, selection: [] },
  files: new Map([["Cargo.toml", ""]]),
});

/** A run whose steps end when the test says so, or when it is stopped. */
function openRun() {
  const stop = new AbortController();
  let begin: () => void = () => undefined;
  const hasBegun = new Promise<void>((resolve) => (begin = resolve));
  let end: () => void = () => undefined;
  const run: BuildRun = {
    signal: stop.signal,
    note: () => undefined,
    tell: () => undefined,
    capture: () => Promise.reject(new Error("nobody asks")),
    assertGoing: () => stop.signal.throwIfAborted(),
    close: () => Promise.resolve(),
    run: () => {
      begin();
      return new Promise((resolve, reject) => {
        end = () => resolve(stats);
        stop.signal.addEventListener("abort", () => reject(stop.signal.reason as Error), { once: true });
      });
    },
  };
  return { run, stop, hasBegun, end: () => end() };
}

async function openBench(): Promise<{ templates: Templates; folders: ReturnType<typeof planBuildFolders> }> {
  const cache = await makeTempDir();
  const folders = planBuildFolders(cache, "app-1");
  await prepareFolders(folders, null);
  return { templates: openTemplates(cache), folders };
}

const surroundings = () =>
  Promise.resolve({ id: "b", bwrap: "/bin/true", toolchainDir: null, netns: null, cgroups: [], tmpBytes: 1 });
const common = { user: null, jobUser: null, isTaken: false, surroundings };

it("what is made ahead makes way for a build that needs another one", async () => {
  const { templates, folders } = await openBench();
  const [first, other] = [openRun(), openRun()];
  const giveWay = (): void => first.stop.abort(new Error("made way"));
  const ahead = templates.makeAhead({
    ...common,
    plan: planOf("a"),
    run: first.run,
    giveWay,
    hurry: giveWay,
  });
  const gone = ahead.catch(String);
  await first.hasBegun;
  const building = templates.prepare({ ...common, folders, plan: planOf("b"), run: other.run });
  expect(await gone).toBe("Error: made way");
  await other.hasBegun;
  expect(existsSync(join(templates.store.folders.job.app, "Cargo.toml"))).toBe(true);
  other.end();
  // The job has made nothing that could be kept.
  expect(await building).toEqual({ layer: null, made: null });
  expect(existsSync(templates.store.folders.job.app)).toBe(false);
});

it("is hurried by a build that waits for it, which says that it waits", async () => {
  const { templates, folders } = await openBench();
  const [first, waiting] = [openRun(), openRun()];
  const said: string[] = [];
  const ahead = templates.makeAhead({
    ...{ ...common, plan: planOf("a"), run: first.run },
    giveWay: () => said.push("way"),
    hurry: () => said.push("hurry"),
  });
  await first.hasBegun;
  const building = templates.prepare({
    ...{ ...common, folders, plan: planOf("a"), run: waiting.run },
    onWait: () => said.push("wait"),
  });
  first.end();
  expect(await ahead).toBe(false);
  await waiting.hasBegun;
  waiting.end();
  await building;
  expect(said).toEqual(["hurry", "wait"]);
});

it("leaves at once when it is stopped before its turn", async () => {
  const { templates, folders } = await openBench();
  const [first, late] = [openRun(), openRun()];
  const building = templates.prepare({ ...common, folders, plan: planOf("b"), run: first.run });
  await first.hasBegun;
  const nothing = (): void => undefined;
  const ahead = templates.makeAhead({
    ...common,
    plan: planOf("a"),
    run: late.run,
    giveWay: nothing,
    hurry: nothing,
  });
  const gone = ahead.catch(String);
  late.stop.abort(new Error("stopping"));
  expect(await gone).toBe("Error: stopping");
  first.end();
  await building;
});
