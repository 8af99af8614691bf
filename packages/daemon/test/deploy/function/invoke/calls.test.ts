import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import { expect, test, vi } from "vitest";
import type { InvokeFrameData, InvokeTarget } from "../../../../src/deploy/function/ports.js";
import type { Invocations } from "../../../../src/deploy/function/invoke/open-invocations.js";
import { makeRequest, openHarness } from "./harness.js";

async function collect(frames: AsyncIterable<InvokeFrameData>) {
  const all: InvokeFrameData[] = [];
  for await (const frame of frames) all.push(frame);
  const [first] = all;
  if (first === undefined || !("head" in first)) throw new Error("there was no head");
  const text = Buffer.concat(all.flatMap((one) => ("chunk" in one ? [one.chunk.data] : []))).toString();
  return { ...first.head, text };
}

function invoke({ invoker }: Invocations, target: InvokeTarget, request = makeRequest()) {
  const kind = target.kind === "live" ? "invoke" : "test";
  return invoker.invoke(target, request, { kind, signal: new AbortController().signal });
}

test("a call is written down after it has ended, in whichever order its function tells of it", async () => {
  const home = await openHarness((request, response) => {
    if (request.url === "/bad") response.writeHead(500).end('{"error":"no tea"}');
    else response.end("here");
  });
  const invocations = await home.open();
  const target = { kind: "live", place: home.place } as const;
  const good = await collect(invoke(invocations, target));
  expect(await home.store.executions.get(good.executionId)).toBeUndefined();
  expect(await home.untilEnded(good.executionId)).toMatchObject({
    ...{ kind: "invoke", state: "succeeded", version: 1, httpStatus: 200, responseBytes: 4, attempt: 1 },
    ...{ request: null, instanceId: "i-fake" },
  });

  const bad = await collect(invoke(invocations, target, makeRequest("/bad", "xyz")));
  const at = new Date().toISOString();
  const told = {
    environmentId: home.place.environment.id,
    kind: "direct",
    version: 1,
    instanceId: "i-7",
  } as const;
  const numbers = { cold: true, queueUs: 0, startUs: 0, runUs: 77, requestBytes: 3, responseBytes: 18 };
  await home.store.executions.takeIn([
    {
      ...{ ...told, ...numbers, id: bad.executionId, state: "failed", httpStatus: 500 },
      ...{ error: null, createdAt: at, finishedAt: at },
    },
  ]);
  await vi.waitUntil(async () => (await home.get(bad.executionId)).kind === "invoke");
  expect(await home.get(bad.executionId)).toMatchObject({
    ...{ state: "failed", error: "no tea", runUs: 77, requestBytes: 3, instanceId: "i-7" },
  });
});

test("what keeps a function from starting is written down, too", async () => {
  const home = await openHarness((_request, response) => void response.end());
  const invocations = await home.open();
  home.failWakes(new BloomError("ERR_START_FAILED", "it does not stay up"));
  await expect(collect(invoke(invocations, { kind: "live", place: home.place }))).rejects.toMatchObject({
    code: "ERR_START_FAILED",
  });
  await invocations.close();
  expect(await home.store.executions.list({})).toMatchObject([
    { kind: "invoke", state: "failed", error: "it does not stay up", httpStatus: null },
  ]);
});

test("payloads are kept only where the app asks for it, and can then be replayed for any version", async () => {
  const seen: string[] = [];
  const home = await openHarness(
    (request, response) => {
      seen.push(`${request.method} ${request.url} ${String(request.headers["x-own"])}`);
      response.end();
    },
    { keepPayloads: true },
  );
  const invocations = await home.open();
  const request = makeRequest("/a?b", "hi", "PUT");
  const own = { ...request, http: { ...request.http, headers: { "x-own": "1" } } };
  const { executionId } = await collect(invoke(invocations, { kind: "live", place: home.place }, own));
  await home.untilEnded(executionId);
  const row = await home.store.executionQueue.get(executionId);
  if (row === undefined) throw new Error("no row");

  const live = await invocations.replay(home.place, row, null);
  expect(await home.untilEnded(live)).toMatchObject({
    ...{ kind: "replay", state: "succeeded", replayOf: executionId, version: 1, attempts: 1 },
  });
  await home.publish("a2");
  const older = await invocations.replay(home.place, row, 1);
  expect(await home.untilEnded(older)).toMatchObject({
    version: 1,
    instanceId: home.started[0]?.wish.id,
  });
  await expect(invocations.replay(home.place, row, 7)).rejects.toMatchObject({
    code: "ERR_NOT_FOUND",
    message: "acme:hello has no version 7",
  });
  expect(seen).toEqual(["PUT /a?b 1", "PUT /a?b 1", "PUT /a?b 1"]);
  // A replay can be replayed.
  expect(await readdir(join(home.folder, "invocations"))).toContain(`${live}.request`);
});

test("without a payload a replay says which setting keeps them, and that direct requests have none", async () => {
  const home = await openHarness((_request, response) => void response.end());
  const invocations = await home.open();
  const { executionId } = await collect(invoke(invocations, { kind: "live", place: home.place }));
  await home.untilEnded(executionId);
  const row = await home.store.executionQueue.get(executionId);
  if (row === undefined) throw new Error("no row");
  await expect(invocations.replay(home.place, row, null)).rejects.toMatchObject({
    code: "ERR_PAYLOAD_NOT_KEPT",
    hint: expect.stringContaining("keep_payloads = true"),
  });
  await expect(invocations.replay(home.place, { ...row, kind: "direct" }, null)).rejects.toMatchObject({
    code: "ERR_PAYLOAD_NOT_KEPT",
    message: expect.stringContaining("came over the function's own address"),
  });
});

test("a call somebody waits for is cancelled by its id", async () => {
  const home = await openHarness((_request, response) => void response.write("begun"));
  const invocations = await home.open();
  const frames = invoke(invocations, { kind: "live", place: home.place })[Symbol.asyncIterator]();
  const { value: head } = await frames.next();
  const id = head !== undefined && "head" in head ? head.head.executionId : "";
  await frames.next();
  expect(invocations.findRunning(id)).toMatchObject({ environmentId: home.place.environment.id });
  const last = frames.next();
  await invocations.cancel(id, home.place.environment.id, "ada");
  expect((await last).value).toMatchObject({ trailer: { status: "EXECUTION_STATUS_CANCELLED" } });
  expect(await home.get(id)).toMatchObject({
    state: "cancelled",
    error: "cancelled by ada",
    httpStatus: 200,
  });
});

test("an app that is no function, one without a version, and a payload that is too large are refused", async () => {
  const home = await openHarness((_request, response) => void response.end(), { maxBodyBytes: 3 });
  const invocations = await home.open();
  const target = { kind: "live", place: home.place } as const;
  await expect(collect(invoke(invocations, target, makeRequest("/", "four")))).rejects.toMatchObject({
    code: "ERR_LIMIT_REACHED",
  });
  await expect(collect(invoke(invocations, target, makeRequest("/with space")))).rejects.toMatchObject({
    code: "ERR_INVALID_ARGUMENT",
  });
  const empty = await home.store.environments.create({ appId: home.place.app.id, name: "empty" });
  const nowhere = { kind: "live", place: { ...home.place, environment: empty } } as const;
  await expect(collect(invoke(invocations, nowhere))).rejects.toMatchObject({ code: "ERR_NOTHING_DEPLOYED" });
  await invocations.close();
  expect(await home.store.executions.list({})).toEqual([]);
});

test("a version is tried in an instance of its own, which stays warm for a moment and then ends", async () => {
  const home = await openHarness((_request, response) => void response.end("trial"));
  const invocations = await home.open({ warmMs: 50, logsMs: 0 });
  const target = { kind: "version", place: home.place, version: home.version } as const;
  const first = await collect(invoke(invocations, target));
  const second = await collect(invoke(invocations, target));
  expect([first.text, first.version, home.started.length, home.fake.requests()]).toEqual(["trial", 1, 1, 0]);
  const [trial] = home.started;
  expect(trial?.wish).toMatchObject({
    ...{ artifactDir: join(home.folder, "a1"), environmentId: home.place.environment.id, role: "web" },
    env: expect.objectContaining({ BLOOM_ORG: "acme", BLOOM_APP: "hello", BLOOM_VERSION: "1" }),
  });
  expect(await home.untilEnded(first.executionId)).toMatchObject({ kind: "test", cold: true });
  expect((await home.untilEnded(first.executionId)).startUs).toBeGreaterThan(0);
  expect(await home.untilEnded(second.executionId)).toMatchObject({ cold: false, startUs: 0 });
  await vi.waitUntil(async () => (await readdir(home.instances)).length === 0);
  // Nothing that the next daemon would look for.
  expect(await home.store.instances.listLive()).toEqual([]);
  await collect(invoke(invocations, target));
  expect(home.started).toHaveLength(2);
});

test("drafts are version 0; only a few trials run, and those that are idle make room", async () => {
  const pending: (() => void)[] = [];
  const home = await openHarness((request, response) => {
    if (request.url === "/hold") pending.push(() => response.end());
    else response.end();
  });
  let artifact = "d0";
  const invocations = await home.open({
    limit: 2,
    findDraft: async () => ({ ...home.version, artifact, tree: "t" }),
  });
  const target = { kind: "draft", place: home.place } as const;
  const hold = async (name: string) => {
    artifact = name;
    const frames = collect(invoke(invocations, target, makeRequest("/hold")));
    await vi.waitUntil(() => pending.length > 0);
    return { frames, release: () => pending.shift()?.() };
  };
  expect((await collect(invoke(invocations, target))).version).toBe(0);
  const one = await hold("d1");
  artifact = "d2";
  await collect(invoke(invocations, target));
  expect(home.started.map(({ wish }) => wish.artifactDir.slice(-2))).toEqual(["d0", "d1", "d2"]);
  one.release();
  await one.frames;
  const again = await hold("d1");
  artifact = "d3";
  const other = collect(invoke(invocations, target, makeRequest("/hold")));
  await vi.waitUntil(() => pending.length === 2);
  artifact = "d4";
  await expect(collect(invoke(invocations, target))).rejects.toMatchObject({ code: "ERR_LIMIT_REACHED" });
  again.release();
  pending.shift()?.();
  await Promise.all([again.frames, other]);
  await invocations.close();
  expect(await readdir(home.instances)).toEqual([]);
});
