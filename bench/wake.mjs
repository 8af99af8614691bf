import { setTimeout as delay } from "node:timers/promises";
import { pick } from "./lib/counts.mjs";
import { call, compileHello, percentile, publishAll, putToSleep } from "./lib/functions.mjs";
import { startPlatform } from "./lib/platform.mjs";
import { readResidentKb, readTicks } from "./lib/processes.mjs";

const rounds = pick(100, 20);
const many = pick(1000, 20);
const atOnce = pick(100, 10);
/** What the start leaves behind is done by then: code that was compiled, files that were read, memory to give back. */
const settleSeconds = pick(30, 2);
const watchSeconds = pick(30, 3);

export const about = `Calls on connections of their own, through nginx, to functions of which no process runs, each in its
sandbox. What a daemon with many sleepers costs is read after ${settleSeconds} s without a call: by then its start is over.`;

/** How long the first request to a sleeping function takes, through nginx and the daemon's door, in its sandbox. */
export async function measure() {
  const hello = compileHello();
  const platform = await startPlatform();
  const names = Array.from({ length: many }, (_, index) => `f${index}`);
  try {
    await platform.bloom("server", "stop", "--yes");
    await publishAll(platform.home, hello.program, names.slice(0, 1));
    await platform.start();
    const alone = await wakeInTurn(platform, ["f0"]);
    await platform.bloom("server", "stop", "--yes");
    await publishAll(platform.home, hello.program, names.slice(1));
    await platform.start();
    await delay(settleSeconds * 1000);
    const idle = await watchDaemon(platform);
    const among = await wakeInTurn(platform, names.slice(0, 20));
    await delay(2000);
    const storm = await Promise.all(names.slice(-atOnce).map((name) => call(platform.httpPort, name)));
    const asleep = `bloomd with ${many} functions asleep`;
    const from = `${settleSeconds} s after its start`;
    return [
      row("cold start of one function", alone, 10, 25),
      row(`cold start with ${many} functions, all asleep`, among, 10, 25),
      describeStorm(storm),
      {
        ...{ what: `${asleep}, memory ${from}`, target: "<= 200 MB" },
        ...{
          result: `${idle.megabytes.toFixed(0)} MB`,
          met: idle.megabytes <= 200,
          megabytes: idle.megabytes,
        },
      },
      {
        ...{ what: `${asleep}, processor for ${watchSeconds} s from ${from}`, target: "<= 1 %" },
        ...{ result: `${idle.percent.toFixed(2)} %`, met: idle.percent <= 1, percent: idle.percent },
      },
    ];
  } finally {
    await platform.stop();
    hello.remove();
  }
}

async function wakeInTurn(platform, names) {
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const name = names[round % names.length];
    const { ms, status } = await call(platform.httpPort, name);
    if (status !== 200) throw new Error(`${name} answered ${status}`);
    times.push(ms);
    await putToSleep(platform, name);
  }
  // The first ones compile the daemon's own code.
  return times.slice(10);
}

function row(what, times, p50, p99) {
  const [middle, worst] = [percentile(times, 0.5), percentile(times, 0.99)];
  const result = `p50 ${middle.toFixed(1)} ms, p99 ${worst.toFixed(1)} ms`;
  const target = `p50 <= ${p50} ms, p99 <= ${p99} ms`;
  return {
    what,
    result,
    target,
    met: middle <= p50 && worst <= p99,
    p50: middle,
    p99: worst,
    runs: times.length,
  };
}

function describeStorm(answers) {
  const failed = answers.filter(({ status }) => status !== 200).length;
  const p99 = percentile(
    answers.map(({ ms }) => ms),
    0.99,
  );
  return {
    what: `waking ${answers.length} different functions at once`,
    result: `${failed} failed, p99 ${p99.toFixed(0)} ms`,
    target: "0 failed, p99 <= 1500 ms",
    met: failed === 0 && p99 <= 1500,
    failed,
    p99,
  };
}

async function watchDaemon(platform) {
  const pid = await platform.daemonPid();
  const megabytes = readResidentKb(pid) / 1000;
  const before = readTicks(pid);
  await delay(watchSeconds * 1000);
  // 100 ticks a second: this is percent of one core.
  return { percent: (readTicks(pid) - before) / watchSeconds, megabytes };
}
