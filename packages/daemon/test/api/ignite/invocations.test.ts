import { apiRoutes, completeConfig, type FunctionConfig, type ignite } from "@bloomery/contract";
import { pino } from "pino";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Caller } from "../../../src/api/caller.js";
import type { Handlers } from "../../../src/api/handlers.js";
import { createInvocationHandlers } from "../../../src/api/ignite/invocations.js";
import { createApiServer } from "../../../src/api/server.js";
import { readBody } from "../../deploy/function/invoke/fake-function.js";
import { openHarness } from "../../deploy/function/invoke/harness.js";

const everywhere = { orgId: null, orgName: null, appId: null, appName: null };

async function openApi(answer: Parameters<typeof openHarness>[0], own: Partial<FunctionConfig> = {}) {
  const home = await openHarness(answer, own);
  const invocations = await home.open();
  const { org, app } = home.place;
  const limited = { orgId: org.id, orgName: org.name };
  const callers: Record<string, Caller> = {
    ada: { name: "ada", role: "admin", ...everywhere },
    viewer: { name: "v", role: "viewer", ...everywhere },
    own: { name: "o", role: "developer", ...limited, appId: app.id, appName: app.name },
    sibling: { name: "s", role: "admin", ...limited, appId: "app-2", appName: "other" },
    stranger: { name: "x", role: "admin", orgId: "org-2", orgName: "other", appId: null, appName: null },
  };
  const none = Object.fromEntries(Object.keys(apiRoutes).map((name) => [name, () => undefined]));
  const handlers = { ...none, ...createInvocationHandlers({ store: home.store, invocations }) };
  const api = createApiServer({
    handlers: handlers as unknown as Handlers,
    authenticate: async (secret) => callers[secret],
    log: pino({ level: "silent" }),
    allowedHosts: ["localhost"],
  });
  onTestFinished(() => api.close());
  const post = (path: string, body: object, who = "ada") =>
    api.inject({
      ...{ method: "POST", url: `/v1/ignite${path}`, payload: body },
      headers: { host: "localhost", authorization: `Bearer ${who}` },
    });
  return { home, invocations, post };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const readFrames = (text: string): ignite.InvokeFrame[] =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as ignite.InvokeFrame);

test("Invoke answers with a head, chunks and a trailer, bytes in base64 and counts as text", async () => {
  const { post } = await openApi(async (request, response) => {
    const body = (await readBody(request)).toString();
    response.writeHead(202, { "x-saw": `${request.method} ${request.url}` }).end(`got ${body}`);
  });
  const http = { method: "PUT", path: "/a", query: "b=c" };
  const answer = await post("/app/acme/hello/invoke", { http, payload: base64('{"a":1}') }, "viewer");
  expect(answer.headers["content-type"]).toContain("application/x-ndjson");
  expect(readFrames(answer.payload)).toMatchObject([
    {
      head: {
        executionId: expect.stringMatching(/^x-/),
        version: 1,
        status: 202,
        headers: { "x-saw": "PUT /a?b=c" },
      },
    },
    { chunk: { data: base64('got {"a":1}') } },
    { trailer: { status: "EXECUTION_STATUS_SUCCEEDED", bytes: "11", durationMs: expect.any(Number) } },
  ]);
  const bare = await post("/app/acme/hello/invoke", {});
  expect(readFrames(bare.payload)[0]).toMatchObject({ head: { headers: { "x-saw": "POST /" } } });
});

test("what keeps a call from being made is an error with a status", async () => {
  const { post } = await openApi((_request, response) => void response.end(), { maxBodyBytes: 3 });
  const code = async (path: string, body: object) => {
    const answer = await post(path, body);
    return [answer.statusCode, answer.json<{ error: { code: string } }>().error.code];
  };
  expect(await code("/app/acme/hello/invoke", { payload: base64("four") })).toEqual([
    429,
    "ERR_LIMIT_REACHED",
  ]);
  expect(await code("/app/acme/hello/invoke", { payload: "not base64!" })).toEqual([
    400,
    "ERR_INVALID_ARGUMENT",
  ]);
  expect(await code("/app/acme/hello/invoke", { http: { path: "no-slash" } })).toEqual([
    400,
    "ERR_INVALID_ARGUMENT",
  ]);
  expect(await code("/app/acme/none/invoke", {})).toEqual([404, "ERR_NOT_FOUND"]);
  expect(await code("/app/acme/hello/versions/9/test", {})).toEqual([404, "ERR_NOT_FOUND"]);
  expect(await code("/app/acme/hello/draft/test", {})).toEqual([404, "ERR_NOT_FOUND"]);
  expect(await code("/app/acme/hello/invoke-async", { retries: 11 })).toEqual([400, "ERR_INVALID_ARGUMENT"]);
});

test("an app of another shape cannot be called", async () => {
  const { home, post } = await openApi((_request, response) => void response.end());
  const { store, place } = home;
  const app = await store.apps.create({ orgId: place.org.id, name: "shop" });
  await store.environments.create({ appId: app.id, name: "main" });
  const build = await store.builds.create({ appId: app.id, key: "shop", tree: "t" });
  const config = completeConfig({ name: "shop", web: { start: "true" } });
  const code = { artifact: "a", tree: "t", config, createdBy: "ada" };
  await store.versions.create({ appId: app.id, buildId: build.id, ...code });
  for (const verb of ["invoke", "invoke-async", "draft/test", "versions/1/test"]) {
    const answer = await post(`/app/acme/shop/${verb}`, {});
    expect([answer.statusCode, answer.json()]).toMatchObject([
      400,
      { error: { code: "ERR_INVALID_ARGUMENT", message: "acme:shop is not a function" } },
    ]);
  }
});

test("InvokeAsync answers at once; a full queue says when to come again", async () => {
  const { home, post } = await openApi(() => undefined, { concurrency: 1, queueLimit: 1 });
  const first = await post("/app/acme/hello/invoke-async", { payload: base64("a") }, "viewer");
  const { executionId } = first.json<{ executionId: string }>();
  await vi.waitUntil(async () => (await home.get(executionId)).state === "running");
  expect((await post("/app/acme/hello/invoke-async", {})).statusCode).toBe(200);
  const full = await post("/app/acme/hello/invoke-async", {});
  expect([full.statusCode, full.headers["retry-after"]]).toEqual([429, "1"]);
});

test("an execution is cancelled and replayed by whoever its app belongs to; to others there is none", async () => {
  const { home, post } = await openApi(
    (request, response) => {
      if (request.url === "/quick") response.end("done");
    },
    { keepPayloads: true },
  );
  const enqueue = async (path: string) => {
    const answer = await post("/app/acme/hello/invoke-async", { http: { path } });
    return answer.json<{ executionId: string }>().executionId;
  };
  const runs = await enqueue("/never");
  for (const who of ["stranger", "sibling"]) {
    for (const verb of ["cancel", "replay"]) {
      const answer = await post(`/executions/${runs}/${verb}`, {}, who);
      expect([answer.statusCode, answer.json()]).toMatchObject([404, { error: { code: "ERR_NOT_FOUND" } }]);
    }
  }
  expect((await post(`/executions/${runs}/cancel`, {}, "viewer")).statusCode).toBe(403);
  const cancelled = await post(`/executions/${runs}/cancel`, {}, "own");
  expect([cancelled.statusCode, cancelled.json()]).toMatchObject([
    200,
    {
      executionId: runs,
      functionId: "acme/hello",
      status: "EXECUTION_STATUS_CANCELLED",
      error: "cancelled by o",
    },
  ]);
  expect((await post(`/executions/${runs}/cancel`, {}, "own")).statusCode).toBe(409);

  const quick = await enqueue("/quick");
  await home.untilEnded(quick);
  const replay = await post(`/executions/${quick}/replay`, { version: 1 }, "own");
  const { executionId } = replay.json<{ executionId: string }>();
  expect(await home.untilEnded(executionId)).toMatchObject({ kind: "replay", replayOf: quick });
  expect((await post("/executions/x-none/replay", {})).statusCode).toBe(404);
});

test("a call that is waited for ends when it is cancelled", async () => {
  const { home, post } = await openApi((_request, response) => void response.write("begun"));
  const answer = post("/app/acme/hello/invoke", {});
  await vi.waitUntil(() => home.fake.requests() === 1);
  const listed = async () => (await home.store.executions.list({})).map((row) => row.id);
  expect(await listed()).toEqual([]);
  // Its id is in the head, which a reader has long before the end.
  const [id] = home.seenIds;
  const cancelled = await post(`/executions/${id}/cancel`, {});
  expect(cancelled.json()).toMatchObject({ status: "EXECUTION_STATUS_CANCELLED" });
  expect(readFrames((await answer).payload).at(-1)).toMatchObject({
    trailer: { status: "EXECUTION_STATUS_CANCELLED", error: "cancelled by ada" },
  });
});
