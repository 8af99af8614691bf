import { appendFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Instance } from "../../src/run/engines/engine.js";
import { accessLine, openHarness, recordLine } from "./executions-harness.js";

let home: Awaited<ReturnType<typeof openHarness>>;
beforeEach(async () => {
  home = await openHarness();
});
afterEach(() => home.close());

describe("records of instances", () => {
  test("are taken in as they are written, with what is known of their instance", async () => {
    const daemon = home.start();
    const source = await home.source("i-1");
    await daemon.follow(source);
    await home.write(source, recordLine("x-1", { queue_us: 700, cold: true }));
    await daemon.takenIn(1);
    await home.write(source, recordLine("x-2", { status: 504, error: "late\u0007\u0000" }));
    await daemon.takenIn(2);
    expect(await home.store.executions.get("x-1")).toMatchObject({
      ...{ environmentId: home.environment.id, instanceId: "i-1", version: 1, kind: "direct" },
      ...{ state: "succeeded", httpStatus: 200, cold: true, queueUs: 700, startUs: 0, runUs: 1500 },
      ...{ requestBytes: 12, responseBytes: 34, error: null, createdAt: "2026-09-21T14:13:20.000Z" },
      finishedAt: "2026-09-21T14:13:20.002Z",
    });
    expect(await home.store.executions.get("x-2")).toMatchObject({
      ...{ state: "timed_out", error: "late\\x07\\x00" },
    });
  });

  test.each([
    [200, "succeeded", 200],
    [404, "succeeded", 404],
    [499, "cancelled", 499],
    [500, "failed", 500],
    [503, "failed", 503],
    [504, "timed_out", 504],
    [0, "failed", null],
  ])("with status %d are %s", async (status, state, httpStatus) => {
    const daemon = home.start();
    const source = await home.source("i-1");
    await home.write(source, recordLine("x-1", { status }));
    await daemon.follow(source);
    await daemon.takenIn(1);
    expect(await home.store.executions.get("x-1")).toMatchObject({ state, httpStatus });
  });

  test("take in what their request waited for", async () => {
    const daemon = home.start();
    const source = await home.source("i-1");
    await daemon.follow(source);
    daemon.notes.note("x-1", { queueUs: 300, startUs: 6000 });
    await home.write(source, recordLine("x-1", { queue_us: 100 }));
    await daemon.takenIn(1);
    expect(await home.store.executions.get("x-1")).toMatchObject({
      ...{ queueUs: 400, startUs: 6000, runUs: 1500, createdAt: "2026-09-21T14:13:19.993Z" },
    });
    expect(daemon.notes.take("x-1")).toBeUndefined();
  });

  test("go on where an earlier daemon came to, through a rotation, each once", async () => {
    const first = home.start();
    const source = await home.source("i-1");
    await first.follow(source);
    await home.write(source, recordLine("x-1"), recordLine("x-2"));
    await first.takenIn(2);
    await first.close();
    // What was taken in and has been forgotten since must not come back.
    await home.store.executions.removeBeyond(home.environment.id, 0);
    await home.write(source, recordLine("x-3"));
    await home.rotate(source);
    await home.write(source, recordLine("x-4"));
    await home.rotate(source);
    await home.write(source, recordLine("x-5"));
    await home.reopenStore();
    const second = home.start();
    expect(await second.listBegun()).toEqual(["i-1"]);
    await second.follow(source);
    await second.takenIn(3);
    expect((await home.ids()).toSorted()).toEqual(["x-3", "x-4", "x-5"]);
    expect(second.taken.map(({ id }) => id)).toEqual(["x-3", "x-4", "x-5"]);
  });

  test("of an instance that has ended are read to their end", async () => {
    const daemon = home.start();
    const [one, other] = [await home.source("i-1"), await home.source("i-2")];
    await daemon.follow(one);
    await daemon.follow(other);
    await home.write(one, recordLine("x-1"));
    await home.write(other, recordLine("x-2"));
    await Promise.all([daemon.finish("i-1"), daemon.finish("i-2"), daemon.finish("i-none")]);
    expect((await home.ids()).toSorted()).toEqual(["x-1", "x-2"]);
    await daemon.forget("i-1");
    expect(await daemon.listBegun()).toEqual(["i-2"]);
  });

  test("cut lines and lines of others are passed over, and a line is read when it is whole", async () => {
    const daemon = home.start();
    const source = await home.source("i-1");
    await home.write(source, recordLine("x-cut").slice(0, 80), "\n", "no line of ours\n", recordLine("x-1"));
    const late = recordLine("x-2");
    await home.write(source, late.slice(0, 60));
    await daemon.follow(source);
    await daemon.takenIn(1);
    await home.write(source, late.slice(60));
    await daemon.takenIn(2);
    expect((await home.ids()).toSorted()).toEqual(["x-1", "x-2"]);
  });

  test("no bytes whatever keep those around them from being taken in", async () => {
    const daemon = home.start();
    const source = await home.source("i-1");
    await daemon.follow(source);
    let count = 0;
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.json().map((json) => Buffer.from(`2026-11-21T10:00:00Z record ${json}`)),
      fc
        .record({ execution: fc.string(), at: fc.maxSafeNat(), error: fc.string({ unit: "binary" }) })
        .map((change) => Buffer.from(recordLine("", change).trimEnd())),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, { maxLength: 5 }), async (lines) => {
        const id = `x-known-${++count}`;
        await home.write(source, ...lines.map((line) => `${Buffer.from(line).toString("latin1")}\n`));
        await home.write(source, recordLine(id));
        await daemon.catchUp();
        expect(await home.store.executions.get(id)).toMatchObject({ state: "succeeded" });
      }),
      { numRuns: 60 },
    );
    expect(home.warnings).toEqual([]);
  });

  test("that cannot be kept are tried again, none lost and none twice", async () => {
    let broken = true;
    const { executions } = home.store;
    const takeIn: typeof executions.takeIn = (...args) =>
      broken ? Promise.reject(new Error("disk full")) : executions.takeIn(...args);
    const failing = { ...home.store, executions: { ...executions, takeIn } };
    const daemon = home.start({ store: failing });
    const source = await home.source("i-1");
    await daemon.follow(source);
    await home.write(source, recordLine("x-1"));
    await expect(daemon.catchUp()).rejects.toThrow("disk full");
    await home.write(source, recordLine("x-2"));
    await daemon.finish("i-1");
    expect(home.warnings.length).toBeGreaterThan(0);
    broken = false;
    await daemon.catchUp();
    expect(daemon.taken.map(({ id }) => id)).toEqual(["x-1", "x-2"]);
  });
});

describe("requests that no process tells of", () => {
  const env = (): string => home.environment.id;

  test.each([
    [502, "failed", /broke off/],
    [503, "failed", /refused/],
    [504, "timed_out", /in time/],
    [499, "cancelled", /caller left/],
    [200, "succeeded", null],
  ])("with status %d become %s", async (status, state, words) => {
    const daemon = home.start();
    await daemon.follow(await home.source("i-1"));
    daemon.notes.note("x-1", { queueUs: 0, startUs: 100_000 });
    await appendFile(home.accessLog, accessLine(env(), "x-1", { status }));
    await daemon.takenIn(1);
    const found = await home.store.executions.get("x-1");
    expect(found).toMatchObject({
      ...{ state, httpStatus: status, instanceId: null, version: 1, startUs: 100_000, runUs: 400_000 },
      ...{ cold: true, requestBytes: 300, responseBytes: 7 },
      ...{ createdAt: "2026-09-21T14:13:21.000Z", finishedAt: "2026-09-21T14:13:21.500Z" },
    });
    if (words === null) expect(found?.error).toBeNull();
    else expect(found?.error).toMatch(words);
  });

  test("are explained by the end of the process that they were in", async () => {
    const daemon = home.start();
    await daemon.follow(await home.source("i-1"));
    const at = "2026-09-21T14:13:21.540Z";
    const last_exit = { code: null, signal: "SIGKILL", at, oom: true, ran_ms: 900, note: null };
    const instance = { environmentId: env(), memoryBytes: 64_000_000, status: { last_exit } };
    daemon.ends.watch({ ...instance, watchStatus: () => () => undefined } as unknown as Instance);
    await appendFile(home.accessLog, accessLine(env(), "x-1", { status: 502 }));
    await daemon.takenIn(1);
    expect((await home.store.executions.get("x-1"))?.error).toBe(
      "the function's process was killed: it used more than its 64 MB of memory, after 900 ms",
    );
  });

  test("are none when nginx answered by itself, or they were no executions", async () => {
    const daemon = home.start();
    await daemon.follow(await home.source("i-1"));
    await appendFile(
      home.accessLog,
      [
        accessLine(env(), "x-401", { status: 401, upstream: "" }),
        accessLine(env(), "x-413", { status: 413, upstream: "" }),
        accessLine(env(), "", { status: 502 }),
        accessLine(env(), "x-bad id", {}),
        accessLine("env-of-nobody", "x-else", {}),
        "{\n",
        accessLine(env(), "x-last", {}),
      ].join(""),
    );
    await daemon.takenIn(1);
    expect(await home.ids()).toEqual(["x-last"]);
  });

  test("are not looked at twice when their record has come", async () => {
    const daemon = home.start();
    const source = await home.source("i-1");
    await daemon.follow(source);
    await appendFile(home.accessLog, accessLine(env(), "x-1", { status: 200 }) + accessLine(env(), "x-2"));
    await home.write(source, recordLine("x-1"));
    await daemon.takenIn(2);
    expect(daemon.taken.map(({ id }) => id)).toEqual(["x-1", "x-2"]);
    // A record that comes very late says more than what its caller saw.
    await home.write(source, recordLine("x-2", { status: 200 }));
    await daemon.takenIn(3);
    expect(await home.store.executions.get("x-2")).toMatchObject({ instanceId: "i-1", state: "succeeded" });
  });

  test("go on after a restart, also those that were waiting, and through a rotation", async () => {
    const first = home.start();
    await first.follow(await home.source("i-1"));
    await appendFile(home.accessLog, accessLine(env(), "x-1"));
    await first.takenIn(1);
    await first.close();
    const patient = home.start({ patienceMs: 60_000 });
    await patient.follow(await home.source("i-1"));
    await appendFile(home.accessLog, accessLine(env(), "x-2"));
    await patient.close(); // x-2 was read, but its time had not come
    expect(await home.ids()).toEqual(["x-1"]);
    await home.store.executions.removeBeyond(home.environment.id, 0);
    await rename(home.accessLog, `${home.accessLog}.1`);
    await writeFile(home.accessLog, accessLine(env(), "x-3"));
    const second = home.start();
    await second.follow(await home.source("i-1"));
    await second.takenIn(2);
    expect((await home.ids()).toSorted()).toEqual(["x-2", "x-3"]);
  });

  test("from before there was a function are passed over", async () => {
    await appendFile(home.accessLog, accessLine(env(), "x-old"));
    await writeFile(join(home.folder, "access.log.1"), accessLine(env(), "x-older"));
    const daemon = home.start();
    await daemon.follow(await home.source("i-1"));
    await appendFile(home.accessLog, accessLine(env(), "x-new"));
    await daemon.takenIn(1);
    expect(await home.ids()).toEqual(["x-new"]);
  });
});
