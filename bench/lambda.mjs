import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openCargoLambda, startWatch } from "./lib/cargo-lambda.mjs";
import { compareEdges } from "./lib/compare-edges.mjs";
import { pick } from "./lib/counts.mjs";
import { call, post, putToSleep, until } from "./lib/functions.mjs";
import { copyProject, edit, makeFolder, seconds, startPlatform, summarize, time } from "./lib/platform.mjs";

const coldRounds = pick(20, 2);
const editRounds = pick(5, 1);
const app = "hello";
const run = promisify(execFile);
const script = fileURLToPath(new URL("lib/post.lua", import.meta.url));

export const about = `The handler of \`examples/function-hello\` beside the same one for \`lambda_runtime\`, served by
\`cargo lambda watch\` (from the Python index) on this machine. A cold call finds everything compiled and no process of the
function; there it is the first after \`watch --wait\`. An edit counts from the changed line to the first new answer: with us
\`bloom app deploy\` in its sandbox, published as a version; there the folder is watched. Its requests go to the emulator of
AWS's interface, which gives them to one instance, one at a time; ours go through nginx.`;

/** The same handler with us and with `cargo lambda watch`, which is how functions are worked on for AWS. */
export async function measure() {
  const lambda = await openCargoLambda();
  if (typeof lambda === "string") return lambda;
  const platform = await startPlatform();
  const mine = copyProject("examples/function-hello");
  const theirs = copyProject("bench/lambda-hello");
  const own = makeFolder("target");
  const target = process.env.CARGO_TARGET_DIR ?? own;
  const deploy = () => platform.json("app", "deploy", app, "-c", mine, "--allow-unauthenticated");
  const watch = (...flags) => startWatch(lambda, theirs, target, flags);
  const compile = (...flags) =>
    run("cargo", ["build", ...flags], { cwd: theirs, env: { ...process.env, CARGO_TARGET_DIR: target } });
  const side = { lambda, platform, deploy, compile, watch, mine, theirs };
  try {
    await deploy();
    const released = await compareReleased(side);
    return [await compareCold(side), ...released, await compareDefault(side)];
  } finally {
    await platform.stop();
    lambda.remove();
    for (const folder of [mine, theirs, own]) rmSync(folder, { recursive: true, force: true });
  }
}

const isAnswer = ({ status, text }) => status === 200 && text.includes("Hello");

/** Everything is compiled and no process of the function runs. */
async function compareCold({ platform, watch }) {
  const [ours, theirs] = [[], []];
  for (let round = 0; round < coldRounds; round++) {
    await putToSleep(platform, app);
    const own = await call(platform.httpPort, app);
    const waiting = await watch("--release", "--wait");
    const other = await post(waiting.port, waiting.path).finally(waiting.stop);
    for (const answer of [own, other])
      if (!isAnswer(answer)) throw new Error(`a cold call failed: ${JSON.stringify(answer)}`);
    ours.push(own.ms);
    theirs.push(other.ms);
  }
  return rowOfTimes("cold call, over HTTP", "cargo lambda watch --wait, compiled before", ours, theirs);
}

function compareWarm({ platform, lambda }, running) {
  return compareEdges({
    ...{ what: "warm calls, POST, executions on record", peer: `${lambda.version} watch --release` },
    ...{ path: "/", host: `${app}-local.localhost`, httpPort: platform.httpPort },
    ...{ peerPath: running.path, peerPort: running.port, script, wanted: 1 },
  });
}

/** From the moment a line is changed until an answer shows it: with us somebody deploys, there the file is watched. */
async function compareEdits({ platform, deploy, mine, theirs }, running, note) {
  const [ours, others] = [[], []];
  for (let round = 0; round < editRounds; round++) {
    const greeting = `Hello ${note.length}.${round}`;
    const isNew = ({ text }) => text.includes(`${greeting},`);
    const change = (text) => text.replace(/Hello[^,]*,/, `${greeting},`);
    ours.push(
      await time(async () => {
        edit(join(mine, "src/lib.rs"), change);
        await deploy();
        await until(() => call(platform.httpPort, app), isNew);
      }),
    );
    others.push(
      await time(async () => {
        edit(join(theirs, "src/main.rs"), change);
        await until(() => post(running.port, running.path), isNew);
      }),
    );
  }
  return rowOfTimes("one-line edit until the new answer", `cargo lambda watch, ${note}`, ours, others);
}

function compareReleased(side) {
  return whileWatched(side, ["--release"], async (running) => [
    await compareWarm(side, running),
    await compareEdits(side, running, "--release there, too"),
    await compareCommands(side, running),
  ]);
}

/** As its users have it: without optimization. */
function compareDefault(side) {
  return whileWatched(side, [], async (running) => {
    const row = await compareEdits(side, running, "its default, not optimized");
    return { ...row, target: "told, not judged", met: true };
  });
}

/** Compiled before it is watched, which would do it within a call's time; never watched twice at a time. */
async function whileWatched({ compile, watch }, flags, work) {
  await compile(...flags);
  const running = await watch(...flags);
  try {
    await until(() => post(running.port, running.path), isAnswer);
    return await work(running);
  } finally {
    await running.stop();
  }
}

/** What a person types, to a function that is awake. */
async function compareCommands({ platform }, running) {
  const [ours, theirs] = [[], []];
  for (let round = 0; round < coldRounds; round++) {
    ours.push(await time(() => platform.bloom("invoke", app, "-p", "{}")));
    theirs.push(await time(running.invoke));
  }
  const row = rowOfTimes("bloom invoke, the whole command, warm", "cargo lambda invoke", ours, theirs);
  return { ...row, target: "told, not judged", met: true };
}

function rowOfTimes(what, peer, ours, theirs) {
  const [ms, peerMs] = [ours, theirs].map(summarize);
  const text = ({ median }) => (median < 1000 ? `${median.toFixed(0)} ms` : seconds(median));
  const result = `${text(ms)} beside ${text(peerMs)}`;
  return { what, peer, result, target: "not slower", met: ms.median <= peerMs.median, ms, peerMs };
}
