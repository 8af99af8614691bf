import type { AddressInfo } from "node:net";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BloomError, completeConfig, type FunctionConfig, type JsonValue } from "@bloomery/contract";
import type { Caller } from "../../../src/api/caller.js";
import type { Handlers } from "../../../src/api/handlers.js";
import { createToolHandlers } from "../../../src/api/routes/tools.js";
import { createApiServer } from "../../../src/api/server.js";
import type { InvokeFrameData, Invoker } from "../../../src/deploy/function/ports.js";
import { openStore, type Store } from "../../../src/store/index.js";

let store: Store;
let api: FastifyInstance;
let base: string;
let calls: { app: string; kind: string; body: unknown }[];
let answer: (signal: AbortSignal) => AsyncIterable<InvokeFrameData>;
const clients: Client[] = [];

const everywhere = { orgId: null, orgName: null, appId: null, appName: null };
const callers: Record<string, Caller> = {
  all: { name: "all", role: "viewer", ...everywhere },
  ours: { name: "ours", role: "viewer", ...everywhere, orgName: "acme" },
  one: { name: "one", role: "viewer", ...everywhere, orgName: "acme", appName: "adder" },
  theirs: { name: "theirs", role: "admin", ...everywhere, orgName: "evil" },
};

const invoker: Invoker = {
  invoke(target, request, { kind, signal }) {
    calls.push({
      app: target.place.app.name,
      kind,
      body: JSON.parse(Buffer.from(request.payload ?? "").toString()),
    });
    return answer(signal);
  },
};

beforeEach(async () => {
  store = await openStore({ url: "sqlite::memory:" });
  calls = [];
  answer = () => frames(200, "application/json", '{"sum":3}');
  const handlers = createToolHandlers({ store }) as unknown as Handlers;
  api = createApiServer({
    handlers,
    authenticate: async (secret) => callers[secret],
    log: pino({ level: "silent" }),
    allowedHosts: ["127.0.0.1"],
    tools: { store, invoker, version: "0" },
  });
  await api.listen({ host: "127.0.0.1", port: 0 });
  base = `http://127.0.0.1:${(api.server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await api.close();
  await store.close();
});

async function* frames(status: number, type: string, body: string): AsyncGenerator<InvokeFrameData> {
  yield { head: { executionId: "x-1", version: 1, status, headers: { "content-type": type } } };
  yield { chunk: { data: Buffer.from(body) } };
  const ended = status < 500 ? "EXECUTION_STATUS_SUCCEEDED" : "EXECUTION_STATUS_FAILED";
  yield { trailer: { status: ended, bytes: body.length, durationMs: 1 } };
}

/** Makes this the live version of the function. */
async function publish(name: string, wish: Partial<FunctionConfig> = {}, org = "acme"): Promise<string> {
  const { id: orgId } = await store.orgs.ensure(org);
  const { app } = await store.apps.ensure({ orgId, name });
  const { environment } = await store.environments.ensure({ appId: app.id, name: "main" });
  const build = await store.builds.create({ appId: app.id, key: `k${Math.random()}`, tree: "t" });
  const config = completeConfig({ name, web: { start: "x" }, function: { mcp: true, ...wish } });
  const version = await store.versions.create({
    ...{ appId: app.id, buildId: build.id, artifact: "a", tree: "t", config, createdBy: "ada" },
  });
  await makeLive(environment.id, version.id);
  return version.id;
}

async function makeLive(environmentId: string, versionId: string): Promise<void> {
  const release = await store.releases.create({ environmentId, versionId, variables: "" });
  await store.environments.update(environmentId, { liveReleaseId: release.id });
}

async function connect(token: string, org = "acme"): Promise<Client> {
  const client = new Client({ name: "test", version: "0" });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  const transport = new StreamableHTTPClientTransport(new URL(`${base}/v1/mcp/${org}`), { requestInit });
  await client.connect(transport as never);
  clients.push(client);
  return client;
}

const numbers: JsonValue = {
  type: "object",
  properties: { a: { type: "number" }, b: { type: "number" } },
  required: ["a", "b"],
};
const sum: JsonValue = { type: "object", properties: { sum: { type: "number" } }, required: ["sum"] };
const namesOf = async (client: Client): Promise<string[]> =>
  (await client.listTools()).tools.map((one) => one.name);

describe("the list", () => {
  test("has what is published and offered, with its schemas", async () => {
    await publish("adder", { description: "Adds.", inputSchema: numbers, outputSchema: sum });
    await publish("plain");
    await publish("lists", { inputSchema: { type: "array" }, outputSchema: { type: "string" } });
    await publish("quiet", { mcp: false });
    await publish("other", {}, "evil");
    await store.apps.ensure({ orgId: (await store.orgs.ensure("acme")).id, name: "unpublished" });
    const { tools } = await (await connect("all")).listTools();
    expect(tools).toMatchObject([
      { name: "ignite_acme_adder", description: "Adds.", inputSchema: numbers, outputSchema: sum },
      {
        name: "ignite_acme_lists",
        inputSchema: { properties: { input: { type: "array" } }, required: ["input"] },
      },
      { name: "ignite_acme_plain", inputSchema: { type: "object" } },
    ]);
  });

  test("follows a publish and a way back at once", async () => {
    const first = await publish("adder", { mcp: false });
    const open = await connect("ours");
    expect(await namesOf(open)).toEqual([]);
    await publish("adder");
    expect(await namesOf(open)).toEqual(["ignite_acme_adder"]);
    const [environment] = await store.environments.list();
    await makeLive(environment?.id ?? "", first);
    expect(await namesOf(open)).toEqual([]);
  });

  test("shows a token for one app that app", async () => {
    await publish("adder");
    await publish("plain");
    expect(await namesOf(await connect("one"))).toEqual(["ignite_acme_adder"]);
  });
});

describe("a call", () => {
  test("gives text and, where the function says what it answers, structure", async () => {
    await publish("adder", { inputSchema: numbers, outputSchema: sum });
    const client = await connect("one");
    await client.listTools();
    const result = await client.callTool({ name: "ignite_acme_adder", arguments: { a: 1, b: 2 } });
    expect(result).toEqual({ content: [{ type: "text", text: '{"sum":3}' }], structuredContent: { sum: 3 } });
    expect(calls).toEqual([{ app: "adder", kind: "mcp", body: { a: 1, b: 2 } }]);
  });

  test("of a function that takes no object", async () => {
    await publish("lists", { inputSchema: { type: "array" }, outputSchema: { type: "string" } });
    answer = () => frames(200, "application/json", '"three"');
    const result = await (
      await connect("all")
    ).callTool({ name: "ignite_acme_lists", arguments: { input: [1, 2] } });
    expect(result).toMatchObject({ structuredContent: { result: "three" } });
    expect(calls).toMatchObject([{ body: [1, 2] }]);
  });

  test.each([
    ["text/plain; charset=utf-8", "hi", { type: "text", text: "hi" }],
    ["image/png", "png", { type: "image", data: "cG5n", mimeType: "image/png" }],
  ])("%s", async (type, body, content) => {
    await publish("plain");
    answer = () => frames(200, type, body);
    const result = await (await connect("all")).callTool({ name: "ignite_acme_plain" });
    expect(result.content).toEqual([content]);
    expect(calls).toMatchObject([{ body: {} }]);
  });

  test("arguments that are not as the schema says never reach the function", async () => {
    await publish("adder", { inputSchema: numbers });
    const result = await (await connect("all")).callTool({ name: "ignite_acme_adder", arguments: { a: 1 } });
    expect(result.isError).toBe(true);
    expect(readText(result)).toMatchObject({ code: "ERR_INPUT_INVALID", pointer: "/b" });
    expect(calls).toEqual([]);
  });

  test("answers that are not as the schema says are errors", async () => {
    await publish("adder", { outputSchema: sum });
    answer = () => frames(200, "application/json", '{"sum":"three"}');
    const result = await (await connect("all")).callTool({ name: "ignite_acme_adder", arguments: {} });
    expect(result.isError).toBe(true);
    expect(readText(result)).toMatchObject({ code: "ERR_OUTPUT_INVALID", pointer: "/sum" });
  });

  test("what fails is told, whether the function says it or the platform", async () => {
    await publish("plain");
    const client = await connect("all");
    answer = () => frames(500, "application/json", '{"error":"no"}');
    const failed = await client.callTool({ name: "ignite_acme_plain", arguments: {} });
    expect(failed).toMatchObject({ isError: true, content: [{ text: '{"error":"no"}' }] });
    // eslint-disable-next-line require-yield
    answer = async function* () {
      throw new BloomError("ERR_NOT_READY", "it did not start");
    };
    const lost = await client.callTool({ name: "ignite_acme_plain", arguments: {} });
    expect(lost.isError).toBe(true);
    expect(readText(lost)).toEqual({ code: "ERR_NOT_READY", error: "it did not start" });
  });

  test.each(["ignite_acme_none", "ignite_evil_other", "ignite_acme_plain", "", "other"])(
    "%s is no tool of a token for another",
    async (name) => {
      await publish("adder");
      await publish("plain");
      await publish("other", {}, "evil");
      const result = await (await connect("one")).callTool({ name, arguments: {} });
      expect(result.isError).toBe(true);
      expect(readText(result)).toMatchObject({ code: "ERR_NOT_FOUND" });
      expect(calls).toEqual([]);
    },
  );

  test("ends when its caller leaves", async () => {
    await publish("plain");
    let begun: () => void = () => undefined;
    const started = new Promise<void>((resolve) => (begun = resolve));
    const ended = new Promise<void>((resolve) => {
      // eslint-disable-next-line require-yield
      answer = async function* (signal) {
        begun();
        await new Promise<void>((done) => signal.addEventListener("abort", () => done()));
        resolve();
      };
    });
    const abort = new AbortController();
    const response = fetch(`${base}/v1/mcp/acme`, {
      method: "POST",
      headers: { ...jsonHeaders, authorization: "Bearer all" },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: { name: "ignite_acme_plain" },
      }),
      signal: abort.signal,
    }).then((got) => got.text());
    await started;
    abort.abort();
    await expect(response).rejects.toThrow();
    await ended;
  });
});

const jsonHeaders = { "content-type": "application/json", accept: "application/json, text/event-stream" };

describe("who is turned away", () => {
  test.each([
    [undefined, 401],
    ["unknown", 401],
    ["theirs", 403],
  ])("token %s: %i", async (token, status) => {
    await store.orgs.ensure("acme");
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const got = await fetch(`${base}/v1/mcp/acme`, {
      method: "POST",
      headers: { ...jsonHeaders, ...authorization },
      body: "{",
    });
    expect(got.status).toBe(status);
  });

  test("there are no sessions to listen to or to end", async () => {
    for (const method of ["GET", "DELETE"]) {
      const got = await fetch(`${base}/v1/mcp/acme`, {
        method,
        headers: { authorization: "Bearer all", ...jsonHeaders },
      });
      expect([got.status, got.headers.get("allow")]).toEqual([405, "POST"]);
      await got.body?.cancel();
    }
  });

  test("an organization there is none of", async () => {
    const client = await connect("all", "nowhere");
    await expect(client.listTools()).rejects.toThrow(/nowhere/);
    const got = await fetch(`${base}/v1/mcp/No%20Name`, {
      method: "POST",
      headers: { authorization: "Bearer all" },
    });
    expect(got.status).toBe(400);
  });
});

test("the same tools by the platform's own words", async () => {
  await publish("adder", { inputSchema: numbers, outputSchema: sum });
  await publish("plain");
  const get = (path: string, token: string): Promise<unknown> =>
    fetch(`${base}${path}`, { headers: { authorization: `Bearer ${token}` } }).then((got) => got.json());
  expect(await get("/v1/ignite/app/acme/adder/mcp", "one")).toEqual({
    name: "ignite_acme_adder",
    description: "",
    inputSchema: JSON.stringify(numbers),
    outputSchema: JSON.stringify(sum),
    appId: "acme/adder",
    version: 1,
    runtime: "rust-native",
  });
  expect(await get("/v1/ignite/app/acme/mcp/tools", "ours")).toMatchObject({
    tools: [{ name: "ignite_acme_adder" }, { name: "ignite_acme_plain" }],
  });
  expect(await get("/v1/ignite/app/acme/mcp/tools", "one")).toMatchObject({
    tools: [{ name: "ignite_acme_adder" }],
  });
  expect(await get("/v1/ignite/app/acme/none/mcp", "all")).toMatchObject({
    error: { code: "ERR_NOT_FOUND" },
  });
});

function readText(result: { readonly content?: unknown }): unknown {
  const [first] = result.content as { text: string }[];
  return JSON.parse(first?.text ?? "null");
}
