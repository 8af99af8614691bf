import type { ignite } from "@bloomery/contract";
import { describe, expect, test } from "vitest";
import { useFakeDaemon } from "../daemon-per-file.js";
import { execution, notFound } from "./documents.js";

const { daemon, ask } = useFakeDaemon();
const id = execution.executionId;
const running: ignite.ExecutionView = { ...execution, status: "EXECUTION_STATUS_RUNNING" };
const entry = { timestampMs: "1767225600123", replicaId: "i-1", text: "hi", executionId: id };

describe("list", () => {
  test("has filters, which theirs refuses", async () => {
    daemon().answers.igniteListExecutions = { body: { executions: [execution], nextCursor: "c" } };
    const flags = [
      "--status",
      "timed_out",
      "--version",
      "2",
      "--since",
      "2026-01-01T00:00:00Z",
      "--limit",
      "1",
      ...["--kind", "mcp", "--search", "panicked"],
    ];
    const { stdout, stderr } = await ask(["ignite", "exec", "list", "org:hello", ...flags]);
    expect(stdout).toMatch(/x-222222222222 +succeeded +200 +v2 cold +1\.2 s/);
    expect(stderr).toContain("--cursor c");
    expect(daemon().calls[0]).toMatchObject({
      params: { org: "org", app: "hello" },
      query: {
        status: "EXECUTION_STATUS_TIMED_OUT",
        version: "2",
        sinceMs: "1767225600000",
        limit: "1",
        kind: "EXECUTION_KIND_MCP",
        search: "panicked",
      },
    });
  });

  test("is a document with --json and wide with -o wide", async () => {
    daemon().answers.igniteListExecutions = { body: { executions: [execution] } };
    expect(JSON.parse((await ask(["execution", "list", "hello", "--json"])).stdout)).toEqual({
      executions: [execution],
    });
    const wide = (await ask(["execution", "list", "hello", "-o", "wide"])).stdout;
    const [names, cells] = wide.split("\n").map((line) => line.split(/ {2,}/));
    expect(cells?.[names?.indexOf("START") ?? -1]).toBe("5.25 ms");
  });
});

test("get shows what it waited for", async () => {
  daemon().answers.igniteGetExecution = { body: { ...execution, error: "it panicked" } };
  const { stdout } = await ask(["ignite", "execution", "get", id]);
  expect(stdout).toMatch(/start +cold/);
  expect(stdout).toMatch(/starting +5\.25 ms/);
  expect(stdout).toMatch(/error +it panicked/);
});

test.each([
  ["it works", undefined, /answer +it works$/m],
  ["it wo", true, /answer +it wo… \(the beginning\)$/m],
  ["\u0000\u0001", undefined, /answer +\(bytes; --json has them\)$/m],
])("get shows the answer that was kept: %j", async (text, outputTruncated, words) => {
  const output = Buffer.from(text).toString("base64");
  daemon().answers.igniteGetExecution = { body: { ...execution, output, outputTruncated } };
  expect((await ask(["execution", "get", id])).stdout).toMatch(words);
});

test("logs are those of the execution's function", async () => {
  daemon().answers.igniteGetExecution = { body: execution };
  daemon().answers.igniteAppLogs = { body: { lines: [entry] } };
  expect((await ask(["execution", "logs", id])).stdout).toBe("00:00:00.123 i-1 | hi\n");
  expect(daemon().calls[1]).toMatchObject({
    params: { org: "org", app: "hello" },
    query: { executionId: id, limit: "1000" },
  });
  expect(JSON.parse((await ask(["execution", "logs", id, "--json"])).stdout)).toEqual(entry);
});

describe("watch", () => {
  test.each([
    ["EXECUTION_STATUS_SUCCEEDED", 0],
    ["EXECUTION_STATUS_FAILED", 1],
    ["EXECUTION_STATUS_TIMED_OUT", 8],
    ["EXECUTION_STATUS_CANCELLED", 130],
  ] as const)("prints each change; %s is exit code %i", async (status, exit) => {
    const { httpStatus: _none, ...rest } = execution;
    daemon().answers.igniteWatchExecution = { lines: [running, { ...rest, status }] };
    const { code, stdout } = await ask(["ignite", "execution", "watch", id, "--json"]);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as ignite.ExecutionView).status);
    expect([code, lines]).toEqual([exit, ["EXECUTION_STATUS_RUNNING", status]]);
  });

  test.each([["end"], ["break"]] as const)(
    "that stops before the execution (%s) is exit code 9",
    async (after) => {
      daemon().answers.igniteWatchExecution = { lines: [running], after };
      expect((await ask(["execution", "watch", id])).code).toBe(9);
    },
  );
});

test("stream prints lines until the execution has ended, also what comes late", async () => {
  daemon().answers.igniteGetExecution = { body: running };
  daemon().answers.igniteStreamAppLogs = { lines: [entry, { ...entry, text: "ho" }], after: "hang" };
  daemon().answers.igniteWatchExecution = {
    lines: [running, { ...execution, status: "EXECUTION_STATUS_FAILED", httpStatus: 500 }],
  };
  const { code, stdout } = await ask(["execution", "stream", id]);
  expect([code, stdout]).toEqual([1, "00:00:00.123 i-1 | hi\n00:00:00.123 i-1 | ho\n"]);
});

test("cancel tells what came of it", async () => {
  daemon().answers.igniteCancelExecution = { body: { ...execution, status: "EXECUTION_STATUS_CANCELLED" } };
  expect((await ask(["ignite", "execution", "cancel", id])).stdout).toBe(`${id}: cancelled\n`);
});

describe("replay", () => {
  test("calls the active version, or another", async () => {
    daemon().answers.igniteReplayExecution = { body: { executionId: "x-333333333333" } };
    expect((await ask(["ignite", "execution", "replay", id])).stdout).toBe("x-333333333333\n");
    await ask(["execution", "replay", id, "--version", "v3"]);
    expect(daemon().calls.map(({ body }) => body)).toEqual([{}, { version: 3 }]);
  });

  test("without a kept payload is what the daemon says", async () => {
    daemon().answers.igniteReplayExecution = notFound("the payload was not kept");
    expect(await ask(["execution", "replay", id])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("the payload was not kept") as string,
    });
  });
});

test.each([
  [["list"], "missing required argument"],
  [["list", "hello", "--status", "done"], "queued, running, succeeded"],
  [["list", "hello", "--since", "yesterday-ish"], "--since"],
  [["list", "hello", "--version", "x"], "--version"],
  [["list", "hello", "--limit", "-1"], "--limit"],
  [["get", "../secrets"], "not an execution's id"],
  [["watch", "a b"], "not an execution's id"],
  [["replay", id, "--version", "0"], "--version"],
  [["cancle", id], "Did you mean `execution cancel`?"],
])("%j is refused with exit code 2", async (args, words) => {
  const { code, stderr } = await ask(["execution", ...args]);
  expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
  expect(daemon().calls).toEqual([]);
});
