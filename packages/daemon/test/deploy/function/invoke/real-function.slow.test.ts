import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { parseRecord, type HandlerRecord } from "../../../../src/observe/parse-record.js";
import type { InvokeFrameData, InvokeTarget } from "../../../../src/deploy/function/ports.js";
import { cleanUp, cleanups, openRealEngine } from "../../../run/engines/real-engine.js";
import { buildTroubles } from "./build-troubles.js";
import { makeRequest, openHarness } from "./harness.js";

let program: string;
beforeAll(async () => {
  program = await buildTroubles();
}, 300_000);
afterEach(cleanUp);

/** The function in its sandbox, as a version that is tried. */
async function openReal() {
  const real = await openRealEngine();
  const { artifactDir } = await real.makeWish();
  await copyFile(program, join(artifactDir, "function"));
  const home = await openHarness(() => undefined, { timeoutSeconds: 1, concurrency: 4 });
  const ids: string[] = [];
  const invocations = await home.open(
    {
      artifactDir: () => artifactDir,
      instanceDir: (id) => join(real.paths.instances, id),
      engine: {
        nextId: real.engine.nextId,
        start(wish) {
          ids.push(wish.id);
          return real.engine.start(wish);
        },
      },
    },
    { closes: false },
  );
  cleanups.push(() => invocations.close());
  const target: InvokeTarget = { kind: "version", place: home.place, version: home.version };
  const abort = new AbortController();
  const invoke = (path: string, payload = "{}") =>
    invocations.invoker.invoke(target, makeRequest(path, payload), { kind: "test", signal: abort.signal });
  const readRecords = async (): Promise<readonly HandlerRecord[]> => {
    const files = ids.map((id) => join(real.paths.instances, id, "log", "executions.log"));
    const texts = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")));
    return texts.flatMap((text) => text.split("\n").flatMap((line) => parseRecord(line) ?? []));
  };
  const isGone = async (id: string): Promise<boolean> => !(await real.engine.list()).includes(id);
  return { home, invocations, invoke, abort, ids, readRecords, isGone };
}

async function collect(frames: AsyncIterable<InvokeFrameData>) {
  const all: InvokeFrameData[] = [];
  for await (const frame of frames) all.push(frame);
  const [first] = all;
  const last = all.at(-1);
  if (first === undefined || !("head" in first)) throw new Error("there was no head");
  if (last === undefined || !("trailer" in last)) throw new Error("there was no trailer");
  const text = Buffer.concat(all.flatMap((one) => ("chunk" in one ? [one.chunk.data] : []))).toString();
  return { ...first.head, text, trailer: last.trailer };
}

test("a real function is told who it is, and whatever its handler does there is a trailer", async () => {
  const { invoke, ids, readRecords, home } = await openReal();
  const who = await collect(invoke("/whoami"));
  expect(JSON.parse(who.text)).toEqual({
    ...{ execution: who.executionId, header: who.executionId },
    ...{ function: "acme/hello", organization: "acme" },
  });
  expect(await home.untilEnded(who.executionId)).toMatchObject({
    cold: true,
    state: "succeeded",
  });
  console.log(`a trial was ready after ${(await home.get(who.executionId)).startUs} µs`);

  const panicked = await collect(invoke("/panic"));
  expect([panicked.status, panicked.trailer]).toMatchObject([
    500,
    { status: "EXECUTION_STATUS_FAILED", error: expect.stringContaining("the handler gave up") },
  ]);
  const exited = await collect(invoke("/exit"));
  expect([exited.status, exited.trailer]).toMatchObject([
    502,
    {
      status: "EXECUTION_STATUS_FAILED",
      error: expect.stringContaining("the function's process ended: exit code 3 after"),
    },
  ]);
  // The shim keeps the socket: whoever calls meanwhile waits for the next process.
  expect((await collect(invoke("/length", "hello"))).text).toBe("5");
  const late = await collect(invoke("/never"));
  expect([late.status, late.trailer.status]).toEqual([504, "EXECUTION_STATUS_TIMED_OUT"]);
  expect(ids).toHaveLength(1);
  const told = async () => (await readRecords()).map((record) => record.execution);
  await vi.waitUntil(async () => (await told()).includes(late.executionId), { timeout: 5000 });
  expect(await told()).toEqual(expect.arrayContaining([who.executionId, panicked.executionId]));
});

test("a handler whose caller leaves is dropped", async () => {
  const { invoke, abort, readRecords } = await openReal();
  await collect(invoke("/length"));
  const never = collect(invoke("/slow", '{"ms": 900}'));
  await new Promise((resolve) => setTimeout(resolve, 100));
  abort.abort();
  const { executionId, trailer } = await never;
  expect(trailer).toMatchObject({ status: "EXECUTION_STATUS_CANCELLED" });
  await vi.waitUntil(async () => (await readRecords()).length === 2, { timeout: 5000 });
  const record = (await readRecords()).find(({ execution }) => execution === executionId);
  expect(record).toMatchObject({ status: 499 });
  expect(record?.runUs).toBeLessThan(700_000);
});

test("nothing of a trial is left when the daemon ends", async () => {
  const { invoke, invocations, ids, isGone } = await openReal();
  await collect(invoke("/"));
  const [id = ""] = ids;
  expect(await isGone(id)).toBe(false);
  await invocations.close();
  expect(await isGone(id)).toBe(true);
});
