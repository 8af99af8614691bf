import { rmSync } from "node:fs";
import { pick } from "./counts.mjs";
import { findFreePort, makeFolder, summarize, wrk } from "./platform.mjs";
import { ms, takeTurns, withPair } from "./prefork-pair.mjs";
import { holdClients, readFirstAnswer, startOurs, startUwsgi } from "./prefork-sides.mjs";
import { readProportionalMb } from "./processes.mjs";

const shape = { processes: 8, threads: 10 };

/** Memory after load, and with many clients that are connected and silent. */
export function measureMemory(parts) {
  const many = pick(10_000, 1000);
  return withPair(parts, shape, async ({ ours, theirs }) => {
    const sides = [ours, theirs];
    for (const { port } of sides)
      await wrk(`http://127.0.0.1:${port}/`, "localhost", pick(5, 1), { connections: 64 });
    const [own, peer] = sides.map(({ pid }) => readProportionalMb(pid));
    const held = await holdClients(parts, ours.port, many);
    const crowded = readProportionalMb(ours.pid);
    const began = performance.now();
    await readFirstAnswer(ours, ours.port);
    const took = performance.now() - began;
    const { closed } = await held.release();
    const isServing = held.answered === many && closed === 0;
    return [
      {
        ...{ what: "8 × 10 after load: memory of all processes, shared pages by their part", peer: "uWSGI" },
        result: `${own.toFixed(1)} MB beside ${peer.toFixed(1)} MB`,
        ...{ target: "no more", met: own <= peer, megabytes: own, peerMegabytes: peer },
      },
      {
        what: `the same with ${many} idle clients, and one more request`,
        result: `${crowded.toFixed(1)} MB, ${held.answered} served before, ${closed} closed; answered in ${ms(took)}`,
        ...{ target: "all are kept, and it is answered within 1 s", met: isServing && took <= 1000 },
        ...{ megabytes: crowded, answered: held.answered, closed, ms: took },
      },
    ];
  });
}

/** From the start of the program to its first answer. */
export async function measureStart(parts) {
  const start = (make, option) => async () => {
    const folder = makeFolder("prefork");
    const port = await findFreePort();
    const side = make(parts, { folder, ...shape, sockets: [option, `127.0.0.1:${port}`] });
    try {
      return (await readFirstAnswer(side, port)).ms;
    } finally {
      await side.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  };
  const { own, peer } = await takeTurns(pick(10, 2), {
    own: start(startOurs, "--http-socket"),
    peer: start(startUwsgi, "--http11-socket"),
  });
  const [mine, their] = [own, peer].map(summarize);
  return [
    {
      ...{ what: "8 × 10 from start to first answer", peer: "uWSGI", target: "≤ 50 ms" },
      result: `${ms(mine.median)} (${ms(mine.min)} to ${ms(mine.max)}) beside ${ms(their.median)}`,
      ...{ met: mine.median <= 50, ms: mine, peerMs: their },
    },
  ];
}
