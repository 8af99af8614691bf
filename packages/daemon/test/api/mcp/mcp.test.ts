import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BloomError, type JsonValue } from "@bloomery/contract";
import { frames, openMcpBench, type McpBench } from "./mcp-bench.js";

let bench: McpBench;
beforeEach(async () => {
  bench = await openMcpBench();
});
afterEach(() => bench.close());

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
    await bench.publish("adder", { description: "Adds.", inputSchema: numbers, outputSchema: sum });
    await bench.publish("plain");
    await bench.publish("lists", { inputSchema: { type: "array" }, outputSchema: { type: "string" } });
    await bench.publish("quiet", { mcp: false });
    await bench.publish("other", {}, "evil");
    await bench.store.apps.ensure({ orgId: (await bench.store.orgs.ensure("acme")).id, name: "unpublished" });
    const { tools } = await (await bench.connect("all")).listTools();
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
    const first = await bench.publish("adder", { mcp: false });
    const open = await bench.connect("ours");
    expect(await namesOf(open)).toEqual([]);
    await bench.publish("adder");
    expect(await namesOf(open)).toEqual(["ignite_acme_adder"]);
    const [environment] = await bench.store.environments.list();
    await bench.makeLive(environment?.id ?? "", first);
    expect(await namesOf(open)).toEqual([]);
  });

  test("shows a token for one app that app", async () => {
    await bench.publish("adder");
    await bench.publish("plain");
    expect(await namesOf(await bench.connect("one"))).toEqual(["ignite_acme_adder"]);
  });
});

describe("a call", () => {
  test("gives text and, where the function says what it answers, structure", async () => {
    await bench.publish("adder", { inputSchema: numbers, outputSchema: sum });
    const client = await bench.connect("one");
    await client.listTools();
    const result = await client.callTool({ name: "ignite_acme_adder", arguments: { a: 1, b: 2 } });
    expect(result).toEqual({ content: [{ type: "text", text: '{"sum":3}' }], structuredContent: { sum: 3 } });
    expect(bench.calls).toEqual([{ app: "adder", kind: "mcp", body: { a: 1, b: 2 } }]);
  });

  test("of a function that takes no object", async () => {
    await bench.publish("lists", { inputSchema: { type: "array" }, outputSchema: { type: "string" } });
    bench.answer = () => frames(200, "application/json", '"three"');
    const result = await (
      await bench.connect("all")
    ).callTool({ name: "ignite_acme_lists", arguments: { input: [1, 2] } });
    expect(result).toMatchObject({ structuredContent: { result: "three" } });
    expect(bench.calls).toMatchObject([{ body: [1, 2] }]);
  });

  test.each([
    ["text/plain; charset=utf-8", "hi", { type: "text", text: "hi" }],
    ["image/png", "png", { type: "image", data: "cG5n", mimeType: "image/png" }],
  ])("%s", async (type, body, content) => {
    await bench.publish("plain");
    bench.answer = () => frames(200, type, body);
    const result = await (await bench.connect("all")).callTool({ name: "ignite_acme_plain" });
    expect(result.content).toEqual([content]);
    expect(bench.calls).toMatchObject([{ body: {} }]);
  });

  test("arguments that are not as the schema says never reach the function", async () => {
    await bench.publish("adder", { inputSchema: numbers });
    const result = await (
      await bench.connect("all")
    ).callTool({ name: "ignite_acme_adder", arguments: { a: 1 } });
    expect(result.isError).toBe(true);
    expect(readText(result)).toMatchObject({ code: "ERR_INPUT_INVALID", pointer: "/b" });
    expect(bench.calls).toEqual([]);
  });

  test("answers that are not as the schema says are errors", async () => {
    await bench.publish("adder", { outputSchema: sum });
    bench.answer = () => frames(200, "application/json", '{"sum":"three"}');
    const result = await (await bench.connect("all")).callTool({ name: "ignite_acme_adder", arguments: {} });
    expect(result.isError).toBe(true);
    expect(readText(result)).toMatchObject({ code: "ERR_OUTPUT_INVALID", pointer: "/sum" });
  });

  test("what fails is told, whether the function says it or the platform", async () => {
    await bench.publish("plain");
    const client = await bench.connect("all");
    bench.answer = () => frames(500, "application/json", '{"error":"no"}');
    const failed = await client.callTool({ name: "ignite_acme_plain", arguments: {} });
    expect(failed).toMatchObject({ isError: true, content: [{ text: '{"error":"no"}' }] });
    // eslint-disable-next-line require-yield
    bench.answer = async function* () {
      throw new BloomError("ERR_NOT_READY", "it did not start");
    };
    const lost = await client.callTool({ name: "ignite_acme_plain", arguments: {} });
    expect(lost.isError).toBe(true);
    expect(readText(lost)).toEqual({ code: "ERR_NOT_READY", error: "it did not start" });
  });

  test.each(["ignite_acme_none", "ignite_evil_other", "ignite_acme_plain", "", "other"])(
    "%s is no tool of a token for another",
    async (name) => {
      await bench.publish("adder");
      await bench.publish("plain");
      await bench.publish("other", {}, "evil");
      const result = await (await bench.connect("one")).callTool({ name, arguments: {} });
      expect(result.isError).toBe(true);
      expect(readText(result)).toMatchObject({ code: "ERR_NOT_FOUND" });
      expect(bench.calls).toEqual([]);
    },
  );

  test("ends when its caller leaves", async () => {
    await bench.publish("plain");
    let begun: () => void = () => undefined;
    const started = new Promise<void>((resolve) => (begun = resolve));
    const ended = new Promise<void>((resolve) => {
      // eslint-disable-next-line require-yield
      bench.answer = async function* (signal) {
        begun();
        await new Promise<void>((done) => signal.addEventListener("abort", () => done()));
        resolve();
      };
    });
    const abort = new AbortController();
    const response = fetch(`${bench.base}/v1/mcp/acme`, {
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
    await bench.store.orgs.ensure("acme");
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const got = await fetch(`${bench.base}/v1/mcp/acme`, {
      method: "POST",
      headers: { ...jsonHeaders, ...authorization },
      body: "{",
    });
    expect(got.status).toBe(status);
  });

  test("there are no sessions to listen to or to end", async () => {
    for (const method of ["GET", "DELETE"]) {
      const got = await fetch(`${bench.base}/v1/mcp/acme`, {
        method,
        headers: { authorization: "Bearer all", ...jsonHeaders },
      });
      expect([got.status, got.headers.get("allow")]).toEqual([405, "POST"]);
      await got.body?.cancel();
    }
  });

  test("an organization there is none of", async () => {
    const client = await bench.connect("all", "nowhere");
    await expect(client.listTools()).rejects.toThrow(/nowhere/);
    const got = await fetch(`${bench.base}/v1/mcp/No%20Name`, {
      method: "POST",
      headers: { authorization: "Bearer all" },
    });
    expect(got.status).toBe(400);
  });
});

test("the same tools by the platform's own words", async () => {
  await bench.publish("adder", { inputSchema: numbers, outputSchema: sum });
  await bench.publish("plain");
  const get = (path: string, token: string): Promise<unknown> =>
    fetch(`${bench.base}${path}`, { headers: { authorization: `Bearer ${token}` } }).then((got) =>
      got.json(),
    );
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

function readText(result: Readonly<Record<string, unknown>>): unknown {
  const [first] = result["content"] as { text: string }[];
  return JSON.parse(first?.text ?? "null");
}
