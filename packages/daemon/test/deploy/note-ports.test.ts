import { completeConfig } from "@bloomery/contract";
import { expect, test } from "vitest";
import { notePorts, planFoundPorts, type NotePortsParts } from "../../src/deploy/note-ports.js";
import type { Place } from "../../src/deploy/places.js";
import type { Walk } from "../../src/deploy/walk.js";
import type { Instance } from "../../src/run/engines/engine.js";
import type { Version } from "../../src/store/versions.js";

test.each([
  [[[7878]], [7878]],
  [[[9000, 7878]], [7878, 9000]],
  [
    [
      [7878, 9000],
      [7878, 9001],
    ],
    [7878],
  ],
])("of %j clients are given %j", (listens, ports) => {
  expect(planFoundPorts(listens)).toEqual(ports);
});

test.each([[[]], [[[]]], [[[7000], [7001]]]])("of %j nothing can be given to clients", (...[listens]) => {
  expect(() => planFoundPorts(listens)).toThrowError(expect.objectContaining({ code: "ERR_NOT_READY" }));
});

function note(ports: readonly { port: number }[] | null, refuse = false) {
  const steps: unknown[] = [];
  const config = completeConfig({
    web: { start: "./server", drainSeconds: 7 },
    tcp: ports === null ? null : { ports },
  });
  const version = { id: "v-1", artifact: "abc", config } as unknown as Version;
  const parts: NotePortsParts = {
    store: {
      versions: {
        noteFoundPorts: async (id: string, found: readonly number[]) => void steps.push([id, found]),
      },
    } as unknown as NotePortsParts["store"],
    artifactDir: (digest) => `/artifacts/${digest}`,
    assertRoutable: async (_place, { tcp }, folder) => {
      steps.push([tcp?.ports.map(({ port, drainSeconds }) => [port, drainSeconds]), folder]);
      if (refuse) throw new Error("taken");
    },
  };
  const walk = { emit: (event: unknown) => void steps.push(event) } as unknown as Walk;
  const instance = {
    listens: [7878],
    openPorts: async (found: readonly number[]) => void steps.push(["open", found]),
  } as unknown as Instance;
  return { steps, done: notePorts(parts, walk, { place: {} as Place, version }, [instance]) };
}

test("what was found is asked for, opened, written down and said, in this order", async () => {
  const { steps, done } = note([]);
  await done;
  expect(steps).toEqual([
    [[[7878, 7]], "/artifacts/abc"],
    ["open", [7878]],
    ["v-1", [7878]],
    { type: "log", source: "platform", text: expect.stringContaining("port 7878") },
  ]);
});

test("a port that cannot be had is neither opened nor written down", async () => {
  const { steps, done } = note([], true);
  await expect(done).rejects.toThrow("taken");
  expect(steps).toHaveLength(1);
});

test.each([[null], [[{ port: 7878 }]]])("nothing is looked for where %j is written", async (ports) => {
  const { steps, done } = note(ports);
  await done;
  expect(steps).toEqual([]);
});
