import { completeConfig, type JsonValue } from "@bloomery/contract";
import { expect, test } from "vitest";
import { assertFits } from "../../../../src/deploy/function/invoke/calls.js";
import { callTool } from "../../../../src/deploy/function/mcp/call-tool.js";
import type { Tool } from "../../../../src/deploy/function/mcp/tools.js";
import type { Invoker } from "../../../../src/deploy/function/ports.js";

const list: JsonValue = { type: "array", items: { type: "number" } };

/** A tool whose one argument is the body, and who calls its function; `checks` as the platform does it. */
function prepare(checks: boolean) {
  const seen: unknown[] = [];
  const { function: config } = completeConfig({
    name: "sum",
    web: { start: "" },
    function: { inputSchema: list, mcp: true },
  });
  const tool = {
    ...{ name: "ignite_acme_sum", input: { schema: { type: "object" }, field: "input" }, output: null },
    ...{ config, place: {} },
  } as unknown as Tool;
  const invoker: Invoker = {
    async *invoke(_target, request) {
      if (checks) assertFits(request, tool.config);
      seen.push(JSON.parse(Buffer.from(request.payload).toString()));
      yield { head: { executionId: "x-1", version: 1, status: 200, headers: {} } };
      yield { trailer: { status: "EXECUTION_STATUS_SUCCEEDED", bytes: 0, durationMs: 1 } };
    },
  };
  const call = async (input: unknown): Promise<unknown> => {
    const result = await callTool(invoker, tool, { input }, new AbortController().signal);
    const [first] = result.content;
    if (result.isError !== true) return "called";
    return first?.type === "text" ? (JSON.parse(first.text) as unknown) : first;
  };
  return { call, seen };
}

test("arguments are checked by whoever calls the function, and by nobody else", async () => {
  const { call, seen } = prepare(false);
  expect(await call(["one"])).toBe("called");
  expect(seen).toEqual([["one"]]);
});

test("what is refused is a result that points into the arguments as they were given", async () => {
  const { call, seen } = prepare(true);
  expect(await call([1, "two"])).toEqual({
    ...{ code: "ERR_INPUT_INVALID", pointer: "/input/1", error: "/input/1 must be number" },
  });
  expect(await call({})).toMatchObject({ code: "ERR_INPUT_INVALID", pointer: "/input" });
  expect(seen).toEqual([]);
  expect(await call([1])).toBe("called");
});
