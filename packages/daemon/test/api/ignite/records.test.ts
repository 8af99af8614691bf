import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createExecutionHandlers } from "../../../src/api/ignite/executions.js";
import { createFunctionLogHandlers } from "../../../src/api/ignite/logs.js";
import type { Caller } from "../../../src/api/caller.js";
import type { Handlers } from "../../../src/api/handlers.js";
import { createApiServer } from "../../../src/api/server.js";
import { openExecutions, type ExecutionRecords } from "../../../src/deploy/function/executions.js";
import { openHarness, recordLine } from "../../observe/executions-harness.js";

let home: Awaited<ReturnType<typeof openHarness>>;
let records: ExecutionRecords;
let api: FastifyInstance;
let instance: string;
let changed: () => void = () => undefined;

const admin: Caller = { name: "ada", role: "admin", orgId: null, orgName: null, appId: null, appName: null };

beforeEach(async () => {
  home = await openHarness();
  const { store, environment } = home;
  const releaseId = (await store.environments.get(environment.id))?.liveReleaseId ?? "";
  const row = { environmentId: environment.id, releaseId, role: "web", replica: 0 };
  ({ id: instance } = await store.instances.create(row));
  await mkdir(join(home.folder, instance, "log"), { recursive: true });
  await writeFile(join(home.folder, instance, "log", "executions.log"), "");
  records = await openExecutions({
    ...{ store, instanceDir: (id) => join(home.folder, id), accessLog: home.accessLog },
    ...{ limits: { days: 7, count: 10_000 }, log: pino({ level: "silent" }) },
  });
  const context = {
    ...{ store, executions: records },
    invocations: { flush: async () => undefined, readAnswer: async () => undefined },
    logFiles: {
      instanceDir: (id: string) => join(home.folder, id, "log"),
      build: (id: string) => id,
      hook: (id: string) => id,
      ...{ access: home.accessLog, error: "error.log", hostNamesOf: async () => [] },
    },
    watchInstances(listener: () => void) {
      changed = listener;
      return () => undefined;
    },
  };
  const callers: Readonly<Record<string, Caller>> = {
    admin,
    org: { ...admin, orgId: home.org.id, orgName: "org" },
    other: { ...admin, orgId: "org-other", orgName: "other" },
    app: { ...admin, orgId: home.org.id, orgName: "org", appId: "app-other", appName: "other" },
  };
  const handlers = { ...createExecutionHandlers(context), ...createFunctionLogHandlers(context) };
  api = createApiServer({
    handlers: handlers as unknown as Handlers,
    authenticate: async (secret) => callers[secret],
    log: pino({ level: "silent" }),
    allowedHosts: ["localhost"],
  });
});
afterEach(async () => {
  await api.close();
  await records.close();
  await home.close();
});

const say = (...lines: string[]): Promise<void> =>
  appendFile(join(home.folder, instance, "log", "executions.log"), lines.join(""));
const print = (...lines: string[]): Promise<void> =>
  appendFile(join(home.folder, instance, "log", "app.log"), lines.map((line) => `${line}\n`).join(""));

async function get(
  path: string,
  token = "admin",
): Promise<{ status: number; body: Readonly<Record<string, unknown>> }> {
  const url = `/v1/ignite${path}`;
  const answer = await api.inject({ url, headers: { authorization: `Bearer ${token}`, host: "localhost" } });
  return { status: answer.statusCode, body: answer.json() };
}

/** The lines of a stream, over a real connection; leaving the loop closes it. */
async function* stream(path: string): AsyncGenerator {
  await api.listen({ host: "127.0.0.1", port: 0 });
  const { port } = api.server.address() as { port: number };
  const abort = new AbortController();
  const answer = await fetch(`http://localhost:${port}/v1/ignite${path}`, {
    ...{ headers: { authorization: "Bearer admin" }, signal: abort.signal },
  });
  try {
    let text = "";
    for await (const chunk of answer.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString();
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) yield JSON.parse(line) as unknown;
    }
  } finally {
    abort.abort();
  }
}

describe("executions", () => {
  test("are told of as the wire has them", async () => {
    await say(recordLine("x-1", { queue_us: 1500, run_us: 2250, cold: true, status: 500, error: "no" }));
    const { status, body } = await get("/app/org/hello/executions");
    expect(status).toBe(200);
    const view = {
      ...{ executionId: "x-1", functionId: "org/hello", version: 1, status: "EXECUTION_STATUS_FAILED" },
      ...{ kind: "EXECUTION_KIND_DIRECT", replicaId: instance, httpStatus: 500, cold: true, attempt: 1 },
      ...{ createdAtMs: "1790000000000", finishedAtMs: "1790000000003", queueMs: 1.5, startMs: 0 },
      ...{ runMs: 2.25, requestBytes: "12", responseBytes: "34", error: "no" },
    };
    expect(body).toEqual({ executions: [view] });
    expect(await get("/executions/x-1")).toEqual({ status: 200, body: view });
  });

  test("are listed page by page, and by everything that can be asked for", async () => {
    const lines = Array.from({ length: 5 }, (_, n) =>
      recordLine(`x-${n}`, {
        at: 1_790_000_000_000 + n * 1000,
        ...(n === 3 ? { status: 504, error: "Too late" } : {}),
      }),
    );
    await say(...lines);
    const ids = async (query: string): Promise<string[]> => {
      const { body } = await get(`/app/org/hello/executions?${query}`);
      return (body["executions"] as { executionId: string }[]).map(({ executionId }) => executionId);
    };
    const first = await get("/app/org/hello/executions?limit=2");
    expect(first.body).toMatchObject({ nextCursor: "x-3" });
    expect(await ids("limit=2&cursor=x-3")).toEqual(["x-2", "x-1"]);
    expect((await get("/app/org/hello/executions?limit=2&cursor=x-2")).body).not.toHaveProperty("nextCursor");
    // Of one that is forgotten there is nothing before; what was never said is a mistake.
    expect(await ids("cursor=x-forgotten")).toEqual([]);
    expect(await get("/app/org/hello/executions?cursor=3")).toMatchObject({
      status: 400,
      body: { error: { code: "ERR_INVALID_ARGUMENT" } },
    });
    expect(await ids("status=EXECUTION_STATUS_TIMED_OUT")).toEqual(["x-3"]);
    expect(await ids("search=too%20LATE")).toEqual(["x-3"]);
    expect(await ids("search=%00")).toHaveLength(1);
    expect(await ids("kind=EXECUTION_KIND_ASYNC")).toEqual([]);
    expect(await ids("version=2")).toEqual([]);
    expect(await ids("sinceMs=1790000003000")).toEqual(["x-4", "x-3"]);
    expect(await ids("sinceMs=9007199254740991")).toEqual([]);
    expect((await get("/app/org/hello/executions?status=failed")).status).toBe(400);
    expect((await get("/app/org/none/executions")).status).toBe(404);
    expect((await get("/app/org/hello/stats/executions")).body).toEqual({
      counts: { EXECUTION_STATUS_SUCCEEDED: "4", EXECUTION_STATUS_TIMED_OUT: "1" },
      cold: "0",
    });
  });

  test.each(["other", "app"])("do not exist for a token of %s", async (token) => {
    await say(recordLine("x-1"));
    await records.catchUp();
    const unknown = await get("/executions/x-none", token);
    const hidden = await get("/executions/x-1", token);
    expect(hidden.status).toBe(404);
    expect(JSON.stringify(hidden.body).replaceAll("x-1", "x-none")).toBe(JSON.stringify(unknown.body));
    expect((await get("/executions/x-1/watch", token)).status).toBe(404);
    expect((await get("/executions/x-1", "org")).status).toBe(200);
  });

  test("whose record is on its way are waited for", async () => {
    const asked = get("/executions/x-1");
    await say(recordLine("x-1"));
    expect((await asked).status).toBe(200);
  });

  test("are watched until they have ended", async () => {
    const { environment, store } = home;
    await store.executions.create({ id: "x-1", environmentId: environment.id, kind: "async", version: 1 });
    const states: string[] = [];
    for await (const view of stream("/executions/x-1/watch")) {
      states.push((view as { status: string }).status);
      if (states.length > 1) continue;
      records.events.changed("x-1"); // nothing is new: nothing is told
      await say(recordLine("x-1"));
    }
    expect(states).toEqual(["EXECUTION_STATUS_QUEUED", "EXECUTION_STATUS_SUCCEEDED"]);
  });
});

describe("logs", () => {
  const time = (ms: number): string => new Date(1_790_000_000_000 + ms).toISOString();
  const tied = (execution: string, message: string, more: object = {}): string =>
    JSON.stringify({ execution, level: "info", message, fields: {}, ...more });
  const texts = async (query: string): Promise<string[]> =>
    ((await get(`/app/org/hello/logs?${query}`)).body["lines"] as { text: string }[]).map(({ text }) => text);

  test("are shown for reading, of one execution those it wrote", async () => {
    await print(
      `${time(1)} out up`,
      `${time(2)} err ${tied("x-1", "begins", { level: "warn", fields: { hits: 3, who: "a b", esc: "\u001b" } })}`,
      `${time(3)} err ${tied("x-2", "other")}`,
      `${time(4)} err {"execution":"x-1","level":`,
      `${time(5)} shim exited`,
    );
    const { body } = await get("/app/org/hello/logs");
    expect(body["lines"]).toEqual([
      { timestampMs: "1790000000001", replicaId: instance, text: "up" },
      {
        ...{ timestampMs: "1790000000002", replicaId: instance, executionId: "x-1" },
        text: 'warn  begins  hits=3  who="a b"  esc=\\x1b',
      },
      { timestampMs: "1790000000003", replicaId: instance, text: "other", executionId: "x-2" },
      { timestampMs: "1790000000004", replicaId: instance, text: '{"execution":"x-1","level":' },
      { timestampMs: "1790000000005", replicaId: instance, text: "exited" },
    ]);
    expect(await texts("executionId=x-2")).toEqual(["other"]);
    expect(await texts("search=BEGINS")).toHaveLength(1);
    expect(await texts("limit=2")).toEqual(['{"execution":"x-1","level":', "exited"]);
    expect(await texts(`replicaId=${instance}`)).toHaveLength(5);
    expect(await texts("replicaId=i-none")).toEqual([]);
    // What an instance said is not lost with it.
    await home.store.instances.end(instance);
    expect(await texts("limit=1")).toEqual(["exited"]);
  });

  test("of an execution that was alone are all that its instance wrote meanwhile", async () => {
    await say(recordLine("x-1", { run_us: 10_000 }), recordLine("x-2", { at: 1_790_000_100_000 }));
    await print(
      `${time(-5)} err before`,
      `${time(3)} err plain`,
      `${time(4)} err ${tied("x-1", "tied")}`,
      `${time(4)} err ${tied("x-2", "foreign")}`,
      `${time(5)} shim remark`,
      `${time(500)} err after`,
    );
    expect(await texts("executionId=x-1")).toEqual(["plain", "tied"]);
    await say(recordLine("x-3", { at: 1_790_000_000_005 }));
    expect(await texts("executionId=x-1")).toEqual(["tied"]);
  });

  test("of a test of a draft are found where it ran, which no list has", async () => {
    const { store, environment } = home;
    const createdAt = time(0);
    const ended = { state: "succeeded", version: 0, httpStatus: 200, cold: true } as const;
    const zero = { startUs: 0, runUs: 10_000, requestBytes: 0, responseBytes: 0, error: null, request: null };
    await store.executionQueue.takeInEnded([
      {
        ...{ id: "x-trial", environmentId: environment.id, kind: "test", instanceId: "i-trial" },
        ...{ ...ended, ...zero, createdAt, finishedAt: time(10) },
      },
    ]);
    await mkdir(join(home.folder, "i-trial", "log"), { recursive: true });
    await writeFile(
      join(home.folder, "i-trial", "log", "app.log"),
      `${time(3)} err plain\n${time(4)} err ${tied("x-trial", "tied")}\n${time(500)} err after\n`,
    );
    expect(await texts("executionId=x-trial")).toEqual(["plain", "tied"]);
    expect(await texts("executionId=x-trial&replicaId=i-trial")).toEqual(["plain", "tied"]);
    expect(await texts(`executionId=x-trial&replicaId=${instance}`)).toEqual([]);
    expect(await texts("")).toEqual([]);
  });

  test("are followed", async () => {
    await print(`${time(1)} out one`);
    const seen: string[] = [];
    for await (const line of stream("/app/org/hello/logs/stream?search=o")) {
      seen.push((line as { text: string }).text);
      if (seen.length === 2) break;
      await print(`${time(2)} out else`, `${time(3)} out two`);
    }
    expect(seen).toEqual(["one", "two"]);
  });

  test("events are what was done and how instances came and went, newest first", async () => {
    const { store, app, environment, org } = home;
    const about = { appId: app.id, orgId: org.id, environment: "main", actor: "ada" };
    await store.activities.create({ ...about, type: "version.publish", description: "publishes version 1" });
    await store.activities.create({ ...about, environment: "next", type: "x", description: "elsewhere" });
    await store.instances.end(instance, "crashed");
    const { body } = await get("/app/org/hello/events");
    const types = (body["events"] as { type: string }[]).map(({ type }) => type);
    expect(types.toSorted()).toEqual(["instance.crashed", "instance.started", "version.publish"]);
    const first = (await get("/app/org/hello/events?limit=2")).body as unknown as {
      events: { type: string }[];
      nextCursor: string;
    };
    const rest = await get(`/app/org/hello/events?cursor=${encodeURIComponent(first.nextCursor)}`);
    const all = [...first.events, ...(rest.body["events"] as { type: string }[])].map(({ type }) => type);
    expect(all).toEqual(types);
    expect(environment.name).toBe("main");

    const streamed: string[] = [];
    for await (const line of stream("/app/org/hello/events/stream?limit=2")) {
      streamed.push((line as { type: string }).type);
      if (streamed.length === 3) break;
      if (streamed.length < 2) continue;
      const releaseId = (await store.environments.get(environment.id))?.liveReleaseId ?? "";
      await store.instances.create({ environmentId: environment.id, releaseId, role: "web", replica: 0 });
      changed();
    }
    expect(streamed).toEqual([...types.slice(0, 2).toReversed(), "instance.started"]);
  });
});
