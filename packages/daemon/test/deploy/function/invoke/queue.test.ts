import { readdir, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import { expect, test, vi } from "vitest";
import type { ExecutionQueue } from "../../../../src/store/execution-queue.js";
import { readBody } from "./fake-function.js";
import { makeRequest, openHarness } from "./harness.js";

const now = { kind: "async", version: null, retries: 0 } as const;

test("a queued call runs after it was answered, and its answer is kept", async () => {
  const seen: string[] = [];
  const home = await openHarness(async (request, response) => {
    seen.push(
      `${String(request.headers["x-ignite-execution-id"])} ${request.url} ${(await readBody(request)).toString()}`,
    );
    response.writeHead(201, { "x-own": "1" }).end("made");
  });
  const invocations = await home.open();
  const id = await invocations.enqueue({ ...now, place: home.place, request: makeRequest("/a?b=c", "hi") });
  expect(await home.untilEnded(id)).toMatchObject({
    ...{ kind: "async", state: "succeeded", version: 1, httpStatus: 201, attempt: 1, attempts: 1 },
    ...{ requestBytes: 2, responseBytes: 4, error: null, instanceId: "i-fake" },
  });
  expect(seen).toEqual([`${id} /a?b=c hi`]);
  const answer = await invocations.readAnswer(id);
  expect(answer).toMatchObject({ status: 201, headers: { "x-own": "1" }, truncated: false });
  expect(Buffer.from(answer?.body ?? "").toString()).toBe("made");
  // Nobody asked for the payload to be kept.
  expect(await readdir(join(home.folder, "invocations"))).toEqual([`${id}.answer`]);
  expect((await stat(join(home.folder, "invocations", `${id}.answer`))).mode & 0o777).toBe(0o600);
  expect((await stat(join(home.folder, "invocations"))).mode & 0o777).toBe(0o700);
});

test("a failure is tried again only where it was asked for, with pauses that grow", async () => {
  const at: number[] = [];
  let good = 0;
  const home = await openHarness((_request, response) => {
    at.push(performance.now());
    if (at.length > good) response.writeHead(500).end('{"error":"not yet"}');
    else response.end("at last");
  });
  const invocations = await home.open({ retryMs: 30 });
  const wish = { ...now, place: home.place, request: makeRequest() };
  const once = await invocations.enqueue(wish);
  expect(await home.untilEnded(once)).toMatchObject({
    ...{ state: "failed", error: "not yet", attempt: 1, httpStatus: 500 },
  });
  at.length = 0;
  const never = await invocations.enqueue({ ...wish, retries: 2 });
  expect(await home.untilEnded(never)).toMatchObject({
    state: "failed",
    attempt: 3,
    attempts: 3,
  });
  const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0));
  expect(pauses[0]).toBeGreaterThanOrEqual(28);
  expect(pauses[1]).toBeGreaterThanOrEqual(57);

  at.length = 0;
  good = Number.POSITIVE_INFINITY;
  const killed = await invocations.enqueue({ ...wish, retries: 5 });
  expect(await home.untilEnded(killed)).toMatchObject({
    state: "succeeded",
    attempt: 1,
    error: null,
  });
});

test("a crash, a timeout and a failed start are tried again; a 4xx and a version that is gone are not", async () => {
  let calls = 0;
  const home = await openHarness((request, response) => {
    calls++;
    if (request.url === "/crash") request.socket.destroy();
    else if (request.url === "/late") response.writeHead(504).end();
    else response.writeHead(400).end();
  });
  const invocations = await home.open();
  const wish = { ...now, place: home.place, retries: 1 };
  const run = async (path: string) => {
    calls = 0;
    const id = await invocations.enqueue({ ...wish, request: makeRequest(path) });
    const { state, attempt, error } = await home.untilEnded(id);
    return [state, attempt, error, calls];
  };
  expect(await run("/crash")).toEqual(["failed", 2, "the function's process ended before it answered", 2]);
  expect(await run("/late")).toEqual(["timed_out", 2, "it did not end within 60 s", 2]);
  expect(await run("/wrong")).toEqual(["succeeded", 1, null, 1]);
  home.failWakes(new BloomError("ERR_START_FAILED", "it does not stay up"));
  expect(await run("/")).toEqual(["failed", 2, "it does not stay up", 0]);
  home.failWakes(new BloomError("ERR_NOTHING_DEPLOYED", "there is nothing"));
  expect(await run("/")).toEqual(["failed", 1, "there is nothing", 0]);
});

test("no more run at a time than the function takes, in the order they came", async () => {
  const waiting: { readonly path: string; readonly response: ServerResponse }[] = [];
  const home = await openHarness(
    (request: IncomingMessage, response) => void waiting.push({ path: request.url ?? "", response }),
    { concurrency: 2 },
  );
  const invocations = await home.open();
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) {
    ids.push(await invocations.enqueue({ ...now, place: home.place, request: makeRequest(`/${n}`) }));
  }
  const order: string[] = [];
  let most = 0;
  while (order.length < 5) {
    await vi.waitUntil(() => waiting.length === Math.min(2, 5 - order.length));
    most = Math.max(most, waiting.length);
    const next = waiting.shift();
    order.push(next?.path ?? "");
    next?.response.end();
    await home.untilEnded(ids[order.length - 1] ?? "");
  }
  expect([order, most]).toEqual([["/0", "/1", "/2", "/3", "/4"], 2]);
});

test("beyond the queue's limit, and for a payload that is too large, nothing is stored", async () => {
  const home = await openHarness(() => undefined, { concurrency: 1, queueLimit: 3, maxBodyBytes: 10 });
  const invocations = await home.open();
  const wish = { ...now, place: home.place, request: makeRequest() };
  const first = await invocations.enqueue(wish);
  await vi.waitUntil(async () => (await home.get(first)).state === "running");
  const more = await Promise.allSettled(Array.from({ length: 6 }, () => invocations.enqueue(wish)));
  expect(more.filter((one) => one.status === "fulfilled")).toHaveLength(3);
  expect(more.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []))[0]).toMatchObject({
    code: "ERR_LIMIT_REACHED",
    message: "3 executions of acme:hello wait already",
  });
  const large = { ...wish, request: makeRequest("/", "0123456789a") };
  await expect(invocations.enqueue(large)).rejects.toMatchObject({
    code: "ERR_LIMIT_REACHED",
    message: "the payload has 11 bytes, but the function takes 10 at most",
  });
  expect(await home.store.executions.list({})).toHaveLength(4);
  expect(await readdir(join(home.folder, "invocations"))).toHaveLength(4);
});

test("what waits is cancelled at once, what runs by leaving; neither is tried again", async () => {
  let left = 0;
  const home = await openHarness((request) => void request.socket.on("close", () => left++), {
    concurrency: 1,
  });
  const invocations = await home.open();
  const wish = { ...now, place: home.place, request: makeRequest(), retries: 3 };
  const runs = await invocations.enqueue(wish);
  const waits = await invocations.enqueue(wish);
  const { id: environment } = home.place.environment;
  await vi.waitUntil(async () => (await home.get(runs)).state === "running" && home.fake.requests() === 1);
  await invocations.cancel(waits, environment, "ada");
  expect(await home.get(waits)).toMatchObject({ state: "cancelled", attempt: 0, error: "cancelled by ada" });
  await invocations.cancel(runs, environment, "ada");
  expect(await home.get(runs)).toMatchObject({ state: "cancelled", attempt: 1, error: "cancelled by ada" });
  await vi.waitUntil(() => left === 1);
  await expect(invocations.cancel(runs, environment, "ada")).rejects.toMatchObject({
    code: "ERR_EXECUTION_ENDED",
  });
  expect(home.fake.requests()).toBe(1);
});

test("one in the pause before a retry is cancelled, too", async () => {
  const home = await openHarness((_request, response) => void response.writeHead(500).end());
  const invocations = await home.open({ retryMs: 60_000 });
  const id = await invocations.enqueue({ ...now, place: home.place, request: makeRequest(), retries: 1 });
  await vi.waitUntil(async () => (await home.get(id)).error === "it answered 500");
  expect(await home.get(id)).toMatchObject({ state: "queued", attempt: 1, finishedAt: null });
  await invocations.cancel(id, home.place.environment.id, "ada");
  expect(await home.get(id)).toMatchObject({ state: "cancelled" });
});

test("of an answer the first MiB is kept", async () => {
  const home = await openHarness((_request, response) => void response.end(Buffer.alloc(3 * 1024 ** 2, 7)));
  const invocations = await home.open();
  const id = await invocations.enqueue({ ...now, place: home.place, request: makeRequest() });
  expect((await home.untilEnded(id)).responseBytes).toBe(3 * 1024 ** 2);
  const answer = await invocations.readAnswer(id);
  expect([answer?.truncated, answer?.body.length]).toEqual([true, 1024 ** 2]);
});

test("what waits when its app is deleted is gone without a trace", async () => {
  const home = await openHarness(() => undefined, { concurrency: 1 });
  const invocations = await home.open();
  const wish = { ...now, place: home.place, request: makeRequest() };
  await invocations.enqueue(wish);
  const waits = await invocations.enqueue(wish);
  await vi.waitUntil(() => home.fake.requests() === 1);
  await home.store.apps.remove(home.place.app.id);
  await home.fake.kill();
  await vi.waitUntil(() => invocations.findRunning(waits) === undefined);
  expect(await home.store.executionQueue.get(waits)).toBeUndefined();
  expect(home.warnings).toEqual([]);
  const later = await home.open({ freshMs: 0 });
  await vi.waitUntil(
    async () => (await later.sweep(), (await readdir(join(home.folder, "invocations"))).length === 0),
  );
});

test("a database that fails for a moment loses nothing", async () => {
  const home = await openHarness((_request, response) => void response.end("done"));
  const failures = new Map([
    ["claim", 2],
    ["finish", 2],
  ]);
  const executionQueue = new Proxy(
    { ...home.store.executionQueue },
    {
      get(target, name: keyof ExecutionQueue) {
        const left = failures.get(name) ?? 0;
        failures.set(name, left - 1);
        return left > 0 ? () => Promise.reject(new Error("the disk is full")) : target[name];
      },
    },
  );
  const invocations = await home.open({ store: { ...home.store, executionQueue }, storePauseMs: 5 });
  const id = await invocations.enqueue({ ...now, place: home.place, request: makeRequest() });
  expect(await home.untilEnded(id)).toMatchObject({ state: "succeeded", attempt: 1 });
  expect(home.fake.requests()).toBe(1);
  expect(home.warnings).toHaveLength(4);
});

test("nothing is queued for an app that was stopped", async () => {
  const home = await openHarness((_request, response) => void response.end());
  const invocations = await home.open();
  const place = { ...home.place, environment: { ...home.place.environment, desired: "stopped" as const } };
  const wish = { ...now, place, request: makeRequest() };
  await expect(invocations.enqueue(wish)).rejects.toMatchObject({ code: "ERR_APP_STOPPED" });
});
