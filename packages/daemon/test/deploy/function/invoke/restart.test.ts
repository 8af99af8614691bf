import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, test, vi } from "vitest";
import type { ExecutionQueue } from "../../../../src/store/execution-queue.js";
import type { Store } from "../../../../src/store/index.js";
import { makeRequest, openHarness } from "./harness.js";

const wish = { kind: "async", version: null, retries: 0, request: makeRequest() } as const;

/** The store as a daemon sees it that ends from one moment to the next: nothing it does afterwards happens. */
function makeMortal(store: Store): { readonly store: Store; readonly kill: () => void } {
  let dead = false;
  const never = (): Promise<never> => new Promise(() => undefined);
  const executionQueue = new Proxy(
    { ...store.executionQueue },
    {
      get: (target, name) => (dead ? never : target[name as keyof ExecutionQueue]),
    },
  );
  return { store: { ...store, executionQueue }, kill: () => void (dead = true) };
}

test("50 that wait when the daemon is killed run once each; those that ran have failed", async () => {
  const seen: string[] = [];
  const held: ServerResponse[] = [];
  let holds = true;
  const home = await openHarness(
    (request, response) => {
      seen.push(String(request.headers["x-ignite-execution-id"]));
      if (holds) held.push(response);
      else response.end("done");
    },
    { concurrency: 2 },
  );
  const mortal = makeMortal(home.store);
  const first = await home.open({ store: mortal.store }, { closes: false });
  const ids: string[] = [];
  for (let n = 0; n < 52; n++) ids.push(await first.enqueue({ ...wish, place: home.place }));
  await vi.waitUntil(() => held.length === 2);
  mortal.kill();
  for (const response of held) response.socket?.destroy();
  holds = false;

  const second = await home.open();
  second.recover();
  const rows = await Promise.all(ids.map((id) => home.untilEnded(id)));
  expect(rows.slice(0, 2)).toMatchObject([
    { state: "failed", error: "the daemon ended while it ran", attempt: 1 },
    { state: "failed", error: "the daemon ended while it ran", attempt: 1 },
  ]);
  expect(rows.slice(2).map((row) => row.state)).toEqual(ids.slice(2).map(() => "succeeded"));
  expect(seen.toSorted()).toEqual(ids.toSorted());
});

test("what ran when the daemon was killed runs again only where its retries allow, and not if it is known how it ended", async () => {
  const held: ServerResponse[] = [];
  const home = await openHarness((_request, response) => void held.push(response));
  const mortal = makeMortal(home.store);
  const first = await home.open({ store: mortal.store }, { closes: false });
  const enqueue = (retries: number) => first.enqueue({ ...wish, retries, place: home.place });
  const [again, told, lost, failed] = [
    await enqueue(1),
    await enqueue(0),
    await enqueue(0),
    await enqueue(0),
  ];
  await vi.waitUntil(() => held.length === 4);
  mortal.kill();
  for (const response of held) response.socket?.destroy();
  held.length = 0;

  const second = await home.open({
    // What the function had written until then; of one it only knows that its caller left.
    async caughtUp() {
      const base = {
        ...{ environmentId: home.place.environment.id, version: 1, instanceId: "i-fake" },
        kind: "direct" as const,
        ...{ cold: false, queueUs: 0, startUs: 0, runUs: 7, requestBytes: 0, responseBytes: 2, error: null },
        ...{ createdAt: new Date().toISOString(), finishedAt: new Date().toISOString() },
      } as const;
      await home.store.executions.takeIn([
        { ...base, id: told, state: "succeeded", httpStatus: 200 },
        { ...base, id: lost, state: "cancelled", httpStatus: 499, error: "the caller left" },
        { ...base, id: failed, state: "failed", httpStatus: 500, error: "no tea" },
      ]);
    },
  });
  second.recover();
  await vi.waitUntil(() => held.length === 1);
  held[0]?.end("at last");
  expect(await home.untilEnded(again)).toMatchObject({ state: "succeeded", attempt: 2 });
  expect(await home.get(told)).toMatchObject({ state: "succeeded", httpStatus: 200, runUs: 7 });
  expect(await home.get(failed)).toMatchObject({ state: "failed", error: "no tea" });
  expect(await home.get(lost)).toMatchObject({ state: "failed", error: "the daemon ended while it ran" });
  expect(held).toHaveLength(1);
});

test("an orderly end does the same at once", async () => {
  const home = await openHarness(() => undefined);
  const first = await home.open();
  const again = await first.enqueue({ ...wish, retries: 1, place: home.place });
  const lost = await first.enqueue({ ...wish, place: home.place });
  await vi.waitUntil(() => home.fake.requests() === 2);
  await first.close();
  expect(await home.get(again)).toMatchObject({ state: "queued", attempt: 1, finishedAt: null });
  expect(await home.get(lost)).toMatchObject({ state: "failed", error: "the daemon ended while it ran" });
  await expect(first.enqueue({ ...wish, place: home.place })).resolves.toMatch(/^x-/);
});

test("what comes while the rest is taken up runs once, too", async () => {
  const seen: string[] = [];
  const home = await openHarness((request, response) => {
    seen.push(String(request.headers["x-ignite-execution-id"]));
    response.end();
  });
  const waiting = "x-waits";
  await home.store.executionQueue.enqueue({
    ...{ id: waiting, environmentId: home.place.environment.id, kind: "async", version: 1 },
    ...{ attempts: 1, request: waiting, requestBytes: 0 },
  });
  const second = await home.open();
  const early = await second.enqueue({ ...wish, place: home.place });
  await home.untilEnded(early);
  const running = await second.enqueue({ ...wish, place: home.place });
  second.recover();
  second.recover();
  const late = await second.enqueue({ ...wish, place: home.place });
  for (const id of [waiting, running, late]) await home.untilEnded(id);
  expect(seen.toSorted()).toEqual([early, running, late].toSorted());
  // Its file was lost with whatever lost it.
  expect(await home.get(waiting)).toMatchObject({
    state: "failed",
    error: "its payload is not there any more",
  });
  expect(await home.get(running)).toMatchObject({ state: "succeeded", attempt: 1 });
});

test("the pause before a retry outlives the daemon", async () => {
  const seen: string[] = [];
  let isGood = false;
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    seen.push(String(request.headers["x-ignite-execution-id"]));
    response.writeHead(isGood ? 200 : 500).end();
  };
  const home = await openHarness(answer, { concurrency: 1 });
  const first = await home.open({ retryMs: 50_000 });
  const before = Date.now();
  const id = await first.enqueue({ ...wish, retries: 1, place: home.place });
  const queue = home.store.executionQueue;
  await vi.waitUntil(async () => (await queue.get(id))?.dueAt !== null);
  await first.close();
  const dueAt = (await queue.get(id))?.dueAt ?? "";
  expect(Date.parse(dueAt) - before).toBeGreaterThanOrEqual(50_000);

  isGood = true;
  const second = await home.open();
  second.recover();
  // One at a time, in the order they came: were it not in its pause, it would be the first to run.
  const other = await second.enqueue({ ...wish, place: home.place });
  await home.untilEnded(other);
  expect(seen).toEqual([id, other]);
  expect(await queue.get(id)).toMatchObject({ state: "queued", attempt: 1, dueAt });
  await second.close();

  await queue.requeue(id, "not yet", new Date(Date.now() - 1));
  const third = await home.open();
  third.recover();
  expect(await home.untilEnded(id)).toMatchObject({ state: "succeeded", attempt: 2 });
  expect(seen).toEqual([id, other, id]);
});

test("what failed while no daemon ran has its pause, too; what the end of the daemon broke off has none", async () => {
  const home = await openHarness((_request, response) => void response.end());
  const queue = home.store.executionQueue;
  const environmentId = home.place.environment.id;
  const row = { environmentId, kind: "async", version: 1, attempts: 2, requestBytes: 0 } as const;
  for (const id of ["x-failed", "x-broken"]) {
    await queue.enqueue({ ...row, id, request: id });
    await queue.claim(id, 0);
  }
  const second = await home.open({
    retryMs: 50_000,
    async caughtUp() {
      const at = new Date().toISOString();
      const zero = { queueUs: 0, startUs: 0, runUs: 7, requestBytes: 0, responseBytes: 2 };
      await home.store.executions.takeIn([
        {
          ...{ ...zero, id: "x-failed", environmentId, version: 1, instanceId: "i-fake", kind: "direct" },
          ...{
            state: "failed",
            httpStatus: 500,
            error: "no tea",
            cold: false,
            createdAt: at,
            finishedAt: at,
          },
        },
      ]);
    },
  });
  second.recover();
  // Its payload is not there: it ends as soon as it runs.
  expect(await home.untilEnded("x-broken")).toMatchObject({ state: "failed", attempt: 2 });
  expect(await queue.get("x-failed")).toMatchObject({
    ...{ state: "queued", attempt: 1, error: "it answered 500" },
  });
  expect((await queue.get("x-failed"))?.dueAt).not.toBeNull();
});
