import { describe, expect, it } from "vitest";
import { createBuildQueue, type QueueEvent } from "../../src/build/build-queue.js";

interface Job {
  readonly id: string;
  readonly appId: string;
}

/** A queue whose jobs end when the test says so. */
function openBench(parallel: number): {
  started: string[];
  events: string[];
  finish: (id: string, error?: Error) => void;
  queue: ReturnType<typeof createBuildQueue<Job, string>>;
} {
  const started: string[] = [];
  const events: string[] = [];
  const pending = new Map<string, { resolve: (text: string) => void; reject: (error: Error) => void }>();
  const queue = createBuildQueue<Job, string>({
    parallel,
    work: (job, signal) => {
      started.push(job.id);
      return new Promise((resolve, reject) => {
        pending.set(job.id, { resolve, reject });
        signal.addEventListener("abort", () => reject(new Error("aborted")));
      });
    },
    onEvent: (event: QueueEvent<Job>) => events.push(`${event.job.id} ${event.state}`),
  });
  const finish = (id: string, error?: Error): void => {
    if (error === undefined) pending.get(id)?.resolve(`built ${id}`);
    else pending.get(id)?.reject(error);
  };
  return { started, events, finish, queue };
}

const never = new AbortController().signal;
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("createBuildQueue", () => {
  it("runs one at a time, first come first served", async () => {
    const { queue, started, finish, events } = openBench(1);
    const first = queue.submit({ id: "1", appId: "a" }, never);
    const second = queue.submit({ id: "2", appId: "b" }, never);
    await settle();
    expect(started).toEqual(["1"]);
    finish("1");
    expect(await first).toBe("built 1");
    await settle();
    finish("2");
    expect(await second).toBe("built 2");
    expect(events.filter((event) => !event.endsWith("pending"))).toEqual([
      "1 running",
      "1 succeeded",
      "2 running",
      "2 succeeded",
    ]);
  });

  it("says when nothing runs or waits any more", async () => {
    const { queue, finish } = openBench(1);
    await queue.idle();
    const leaving = new AbortController();
    const first = queue.submit({ id: "1", appId: "a" }, never);
    const second = queue.submit({ id: "2", appId: "b" }, leaving.signal);
    let isIdle = false;
    const idle = queue.idle().then(() => (isIdle = true));
    await settle();
    finish("1");
    await first;
    await settle();
    expect(isIdle).toBe(false);
    leaving.abort();
    await expect(second).rejects.toThrow();
    await idle;
    expect(isIdle).toBe(true);
  });

  it("never runs two builds of one app, but lets others pass", async () => {
    const { queue, started, finish } = openBench(2);
    const all = ["a", "a", "b"].map((appId, index) => queue.submit({ id: String(index), appId }, never));
    await settle();
    expect(started).toEqual(["0", "2"]);
    finish("0");
    await all[0];
    await settle();
    expect(started).toEqual(["0", "2", "1"]);
    finish("1");
    finish("2");
    await Promise.all(all);
  });

  it("goes on after a failure, also one that comes at once", async () => {
    const { queue, finish, events } = openBench(1);
    const failing = queue.submit({ id: "1", appId: "a" }, never);
    const next = queue.submit({ id: "2", appId: "a" }, never);
    await settle();
    finish("1", new Error("no"));
    await expect(failing).rejects.toThrow("no");
    await settle();
    finish("2");
    await next;
    expect(events).toContain("1 failed");

    const broken = createBuildQueue<Job, string>({
      parallel: 1,
      work: () => {
        throw new Error("at once");
      },
    });
    await expect(broken.submit({ id: "1", appId: "a" }, never)).rejects.toThrow("at once");
    await expect(broken.submit({ id: "2", appId: "a" }, never)).rejects.toThrow("at once");
  });

  it("cancels waiting and running jobs", async () => {
    const { queue, started, events } = openBench(1);
    const aborts = [new AbortController(), new AbortController()];
    const [running, waiting] = aborts.map((abort, index) =>
      queue.submit({ id: String(index), appId: "a" }, abort.signal),
    );
    await settle();
    aborts[1]?.abort();
    await expect(waiting).rejects.toMatchObject({ code: "ERR_BUILD_CANCELLED" });
    aborts[0]?.abort();
    await expect(running).rejects.toThrow("aborted");
    const late = queue.submit({ id: "2", appId: "a" }, AbortSignal.abort());
    await expect(late).rejects.toMatchObject({ code: "ERR_BUILD_CANCELLED" });
    expect(started).toEqual(["0"]);
    expect(events).toEqual(expect.arrayContaining(["1 cancelled", "0 cancelled", "2 cancelled"]));
  });

  it("closes with everything cancelled, twice", async () => {
    const { queue } = openBench(1);
    const jobs = ["a", "b"].map((appId) => queue.submit({ id: appId, appId }, never));
    const results = Promise.allSettled(jobs);
    await settle();
    await Promise.all([queue.close(), queue.close()]);
    expect((await results).map((one) => one.status)).toEqual(["rejected", "rejected"]);
  });
});
