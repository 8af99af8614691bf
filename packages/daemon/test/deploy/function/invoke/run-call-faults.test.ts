import { BloomError } from "@bloomery/contract";
import { expect, test, vi } from "vitest";
import { runCall } from "../../../../src/deploy/function/invoke/run-call.js";
import type { ExecutionEnd } from "../../../../src/store/execution-queue.js";
import { collect, setUp } from "./call-harness.js";

test("a process that ends before it answers, or in the middle, still gives a trailer", async () => {
  const setup = await setUp((request, response) => {
    if (request.url === "/before") request.socket.destroy();
    else {
      response.writeHead(200, { "content-length": "100" }).write("half");
      setImmediate(() => response.socket?.destroy());
    }
  });
  const before = await collect(setup.call({ path: "/before" }));
  expect(before.head).toMatchObject({ status: 502 });
  expect(before.trailer).toMatchObject({
    status: "EXECUTION_STATUS_FAILED",
    error: "the function's process ended before it answered",
  });
  // Whoever gets no answer cannot know whether it ran: it is not sent again.
  expect(setup.fake.requests()).toBe(1);
  const middle = await collect(setup.call());
  expect(middle.text).toBe("half");
  expect(middle.trailer).toMatchObject({
    status: "EXECUTION_STATUS_FAILED",
    error: "the function's process ended before its answer was complete",
    bytes: 4,
  });
  expect(setup.ends.map((end) => end.httpStatus)).toEqual([null, 200]);
  expect(setup.done()).toBe(2);
});

test("how the process has ended is told, also when that is known later than that it did", async () => {
  const exitAt = (signal: string | null, at: string) => ({
    ...{ signal, at, code: signal === null ? 3 : null, oom: signal !== null, ran_ms: 4700, note: null },
  });
  const kill: Parameters<typeof setUp>[0] = (request) => {
    const now = new Date().toISOString();
    if (request.url === "/exit") {
      setup.fake.tellExit(exitAt(null, now));
      request.socket.destroy();
      return;
    }
    request.socket.destroy();
    setTimeout(() => setup.fake.tellExit(exitAt("SIGKILL", now)), 20);
  };
  const setup = await setUp(kill, { graceMs: 10_000 });
  // Another process ended before this one: that says nothing.
  setup.fake.tellExit(exitAt(null, new Date(Date.now() - 1000).toISOString()));
  const late = await collect(setup.call({ path: "/hog" }));
  const memory = "the function's process was killed: it used more than its 96 MB of memory, after 4.7 s";
  expect(late.trailer?.error).toBe(memory);
  const soon = await collect(setup.call({ path: "/exit" }));
  expect(soon.trailer?.error).toBe("the function's process ended: exit code 3 after 4.7 s");
  expect(setup.ends.map(({ error }) => error)).toEqual([memory, soon.trailer?.error]);
});

test("a chunked answer that is cut off has failed", async () => {
  const setup = await setUp((_request, response) => {
    response.write("one piece");
    setImmediate(() => response.socket?.destroy());
  });
  const { text, trailer } = await collect(setup.call());
  expect([text, trailer?.status]).toEqual(["one piece", "EXECUTION_STATUS_FAILED"]);
});

test("a function that never answers is given up a moment after its time, and its connection closed", async () => {
  let closed = false;
  const setup = await setUp((request) => void request.socket.on("close", () => (closed = true)), {
    timeoutSeconds: 0.1,
  });
  const { head, trailer } = await collect(setup.call());
  expect([head?.status, trailer]).toMatchObject([
    504,
    { status: "EXECUTION_STATUS_TIMED_OUT", error: "it did not end within 0.1 s" },
  ]);
  expect(setup.ends).toMatchObject([{ state: "timed_out", httpStatus: null }]);
  await vi.waitUntil(() => closed);
});

test("the function's own 504, and an answer that it breaks off at its deadline, are timeouts", async () => {
  const setup = await setUp(
    (request, response) => {
      if (request.url === "/own") response.writeHead(504).end('{"error":"the deadline passed"}');
      else {
        response.write("begun");
        setTimeout(() => response.socket?.destroy(), 110);
      }
    },
    { timeoutSeconds: 0.1 },
  );
  expect((await collect(setup.call({ path: "/own" }))).trailer).toMatchObject({
    status: "EXECUTION_STATUS_TIMED_OUT",
    error: "the deadline passed",
  });
  expect((await collect(setup.call())).trailer?.status).toBe("EXECUTION_STATUS_TIMED_OUT");
});

test("giving a call up closes the connection: before the head, and in the middle", async () => {
  const left: string[] = [];
  const setup = await setUp((request, response) => {
    request.socket.on("close", () => left.push(request.url ?? ""));
    if (request.url === "/middle") response.write("begun");
    else setTimeout(() => setup.abort.abort(new BloomError("ERR_INTERRUPTED", "cancelled by ada")), 0);
  });
  const before = await collect(setup.call());
  expect([before.head?.status, before.trailer]).toMatchObject([
    499,
    { status: "EXECUTION_STATUS_CANCELLED", error: "cancelled by ada" },
  ]);
  await vi.waitUntil(() => left.length === 1);

  const other = await setUp((request, response) => {
    request.socket.on("close", () => left.push("middle"));
    response.write("begun");
  });
  const frames = other.call();
  await frames.next();
  await frames.next();
  other.abort.abort();
  expect((await frames.next()).value).toMatchObject({
    trailer: { status: "EXECUTION_STATUS_CANCELLED", error: "the caller left", bytes: 5 },
  });
  await vi.waitUntil(() => left.includes("middle"));
});

test("a reader that leaves ends the call, too", async () => {
  let closed = false;
  const setup = await setUp((request, response) => {
    request.socket.on("close", () => (closed = true));
    response.write("begun");
  });
  for await (const frame of setup.call()) if ("chunk" in frame) break;
  expect(setup.ends).toMatchObject([{ state: "cancelled", error: "the caller left", responseBytes: 5 }]);
  expect(setup.done()).toBe(1);
  await vi.waitUntil(() => closed);
});

test("an instance that went to sleep meanwhile is asked for again; one that stays away is an error", async () => {
  const setup = await setUp((_request, response) => void response.end("here"));
  const { open } = setup.target;
  const gone = { kind: "unix", path: "/nowhere/app.sock" } as const;
  let wakes = 0;
  const target = {
    ...setup.target,
    open: async (signal: AbortSignal) => {
      const opened = await open(signal);
      const instance = { ...opened.awake.instance, address: gone };
      return ++wakes === 1 ? { ...opened, awake: { ...opened.awake, instance } } : opened;
    },
  };
  const request = { http: { method: "GET", path: "/", query: "", headers: {} }, payload: Buffer.alloc(0) };
  const call = { execution: "x-1", request, signal: new AbortController().signal };
  expect((await collect(runCall({ ...call, target }, () => undefined))).text).toBe("here");
  expect(wakes).toBe(2);

  const lost = {
    ...target,
    open: async (signal: AbortSignal) => {
      wakes = 0;
      return target.open(signal);
    },
  };
  const ends: ExecutionEnd[] = [];
  await expect(collect(runCall({ ...call, target: lost }, (end) => ends.push(end)))).rejects.toMatchObject({
    code: "ERR_INSTANCE_LOST",
    message: "no instance of acme:hello could be reached",
  });
  expect(ends).toMatchObject([{ state: "failed", httpStatus: null, instanceId: null }]);
});

test("what keeps a function from starting is thrown, and told as a failure", async () => {
  const setup = await setUp((_request, response) => void response.end());
  const failing = {
    ...setup.target,
    open: () => Promise.reject(new BloomError("ERR_START_FAILED", "it does not stay up")),
  };
  const request = { http: { method: "GET", path: "/", query: "", headers: {} }, payload: Buffer.alloc(0) };
  const ends: ExecutionEnd[] = [];
  const call = { execution: "x-1", request, signal: setup.abort.signal, target: failing };
  await expect(runCall(call, (end) => ends.push(end)).next()).rejects.toMatchObject({
    code: "ERR_START_FAILED",
  });
  expect(ends).toMatchObject([{ state: "failed", version: 3, error: "it does not stay up" }]);
});

test("an answer that is no HTTP has failed, and says so", async () => {
  const setup = await setUp((request) => void request.socket.end("tea for two\r\n\r\n"));
  const { head, trailer } = await collect(setup.call());
  expect([head?.status, trailer]).toMatchObject([
    502,
    { status: "EXECUTION_STATUS_FAILED", error: expect.stringContaining("its answer is no HTTP") },
  ]);
});

test("an answer that comes before the payload was read is an answer", async () => {
  const setup = await setUp((request, response) => {
    response.writeHead(403, { connection: "close" }).end("no");
    response.on("finish", () => request.socket.end());
  });
  const { head, text } = await collect(setup.call({}, "x".repeat(5 * 1024 ** 2)));
  expect([head?.status, text]).toEqual([403, "no"]);
});
