import { setTimeout as delay } from "node:timers/promises";
import { pick } from "./counts.mjs";
import { summarize } from "./platform.mjs";
import { ms, sum, takeTurns, withPair } from "./prefork-pair.mjs";
import { runClients, watchClock } from "./prefork-sides.mjs";
import { readChildren } from "./processes.mjs";

const connections = 64;

/**
 * More clients than threads: who waits how long. Clients and workers have a processor each, or it would be the clients'
 * own waits for one that are measured.
 */
export function measureFairness(parts) {
  const seconds = pick(5, 2);
  return withPair(parts, { processes: 2, threads: 1, cpu: 1 }, async ({ ours, theirs }) => {
    const { own, peer, clock } = await takeTurns(pick(3, 1), {
      own: () => runClients(parts, ours.port, connections, seconds, 0),
      peer: () => runClients(parts, theirs.port, connections, seconds, 0),
      clock: () => watchClock(parts, seconds, 1),
    });
    const slowest = Math.max(...own.map((run) => run.slowest));
    const stoodStill = summarize(clock.map((longest) => longest / 1000));
    const times = summarize(own.map(({ longest, p50 }) => longest / p50));
    const [median, longest] = ["p50", "longest"].map((name) => summarize(own.map((run) => run[name] / 1000)));
    const starved = sum(own, "starved") + sum(own, "failed");
    const what = `2 × 1, ${connections} connections that are kept, each asks at once again`;
    return [
      {
        ...{ what: `${what}: the longest that any one waited`, target: "≤ 10 × the median" },
        result: `${times.median.toFixed(1)} × (${ms(longest.median)}; median ${ms(median.median)})`,
        met: times.median <= 10 && starved === 0,
        ...{ times, medianMs: median, longestMs: longest, starved, runs: own },
      },
      {
        ...{ what: "the same: the connection that waited longest on average", target: "told, not judged" },
        result: `${slowest.toFixed(2)} × the median of all`,
        ...{ met: true, slowest },
      },
      {
        ...{ what: "the longest that a program alone on its processor stood still meanwhile", met: true },
        ...{ target: "told, not judged", result: ms(stoodStill.median), stoodStillMs: stoodStill },
      },
      {
        ...{
          what: "the same with uWSGI: connections that were never served",
          target: "told, not judged",
          met: true,
        },
        result: `${peer.map((run) => run.starved).join(", ")} of ${connections} in ${seconds} s`,
        runs: peer,
      },
    ];
  });
}

/** Reloads and killed workers under load. */
export function measureTurmoil(parts) {
  const seconds = pick(20, 6);
  return withPair(parts, { processes: 8, threads: 10 }, async ({ ours, theirs }) => {
    const run = async (side, listWorkers) => {
      const clients = runClients(parts, side.port, connections, seconds);
      await stir(side, listWorkers, seconds);
      return clients;
    };
    const { own, peer } = await takeTurns(pick(2, 1), {
      own: () => run(ours, (pid) => readChildren(pid).flatMap(readChildren)),
      peer: () => run(theirs, readChildren),
    });
    const describe = (runs) => {
      const [p999, longest] = ["p999", "longest"].map(
        (name) => Math.max(...runs.map((one) => one[name])) / 1000,
      );
      const [failed, again, requests] = ["failed", "sentAgain", "requests"].map((name) => sum(runs, name));
      const text = `${failed} failed of ${requests} (${failed + again} without sending again), 99.9 %: ${ms(p999)}, longest ${ms(longest)}`;
      return { result: text, p999Ms: p999, longestMs: longest, failed, sentAgain: again, requests, runs };
    };
    const [mine, their] = [own, peer].map(describe);
    const what = `8 × 10, five reloads and a worker killed each second, ${connections} clients, ${seconds} s`;
    return [
      {
        ...{ what, target: "0 failed, 99.9 % ≤ 50 ms" },
        ...mine,
        met: mine.failed === 0 && mine.p999Ms <= 50,
      },
      { ...{ what: "the same with uWSGI", target: "told, not judged", met: true }, ...their },
    ];
  });
}

/** Each second one worker is killed, and five times in all a reload is asked for, half a second apart from that. */
async function stir({ pid, hasEnded }, listWorkers, seconds) {
  const begin = performance.now();
  const until = (second) => delay(Math.max(0, begin + second * 1000 - performance.now()));
  const every = Math.max(1, Math.floor(seconds / 5));
  for (let second = 0; second < seconds - 1 && !hasEnded(); second++) {
    await until(second + 0.5);
    kill(listWorkers(pid)[second % 8], "SIGKILL");
    await until(second + 1);
    if (second % every === 0 && second / every < 5) kill(pid, "SIGHUP");
  }
}

function kill(pid, signal) {
  if (pid === undefined) return;
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended by itself.
  }
}
