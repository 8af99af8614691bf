import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLogMemory, formatLogLine } from "../src/commands/log-lines.js";
import { environment, logLine } from "./documents.js";
import { run, startFakeDaemon, type FakeDaemon } from "./fake-daemon.js";

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await startFakeDaemon();
});
afterEach(() => daemon.close());

/** Runs `bloom logs` and gives the texts it printed. */
async function readTexts(...flags: string[]): Promise<{ code: number; texts: string[]; stderr: string }> {
  const { code, stdout, stderr } = await run(["logs", "shop", "--json", ...flags], { BLOOM_API: daemon.url });
  const documents = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { text?: string });
  return { code, texts: documents.flatMap(({ text }) => text ?? []), stderr };
}

const gone = { status: 404, body: { error: { code: "ERR_NOT_FOUND", message: "the app is gone" } } };

describe("following", () => {
  test("goes on after the daemon has restarted, without repeating and without losing", async () => {
    const first = [logLine("000100", "a"), logLine("001200", "b"), logLine("001200", "b")];
    // Within the same millisecond more was written while nobody listened.
    const second = [...first.slice(1), logLine("001900", "c"), logLine("002000", "d")];
    daemon.answers.readLogs = [{ lines: first, after: "break" }, { lines: second, after: "break" }, gone];
    const { code, texts } = await readTexts("-f", "-n", "3");
    expect([code, texts]).toEqual([5, ["a", "b", "b", "c", "d"]]);
    const queries = daemon.calls.map(({ query }) => query);
    expect(queries[0]).toEqual({ follow: "true", tail: "3" });
    expect(queries[1]).toEqual({ follow: "true", since: "2026-01-01T00:00:00.000Z" });
    expect(queries[2]).toEqual({ follow: "true", since: "2026-01-01T00:00:00.001Z" });
  });

  test("after a silence it goes on from when it began, not from the beginning of time", async () => {
    daemon.answers.readLogs = [{ lines: [], after: "end" }, gone];
    const began = Date.now();
    await readTexts("-f", "-n", "0");
    const since = Date.parse(daemon.calls[1]?.query["since"] ?? "");
    expect(since).toBeGreaterThanOrEqual(began);
    expect(daemon.calls[1]?.query).not.toHaveProperty("tail");
  });

  test("Ctrl-C ends it with 0", async () => {
    const answered = new Promise<void>((resolve) => {
      daemon.answers.readLogs = { lines: [logLine("0", "a")], after: "hang", sent: resolve };
    });
    const running = readTexts("-f");
    await answered;
    process.emit("SIGINT");
    expect((await running).code).toBe(0);
  });

  test("no daemon to begin with is an error", async () => {
    await daemon.close();
    expect((await readTexts("-f")).code).toBe(9);
    daemon = await startFakeDaemon();
  });
});

test("without --follow a broken answer is an error", async () => {
  daemon.answers.readLogs = { lines: [logLine("0", "a")], after: "break" };
  expect(await readTexts()).toMatchObject({ code: 9, texts: ["a"] });
  expect(daemon.calls).toHaveLength(1);
});

test("flags become the query", async () => {
  daemon.answers.readLogs = { lines: [] };
  await readTexts(
    "--version",
    "v3",
    "--role",
    "web",
    "--since",
    "2026-01-31T12:00:00+01:00",
    "-e",
    environment.name,
  );
  expect(daemon.calls[0]?.query).toEqual({
    follow: "false",
    version: "3",
    role: "web",
    since: "2026-01-31T11:00:00.000Z",
  });
  const before = Date.now();
  await readTexts("--since", "10m");
  const since = Date.parse(daemon.calls[1]?.query["since"] ?? "");
  expect(since).toBeGreaterThanOrEqual(before - 600_000);
  expect(since).toBeLessThanOrEqual(Date.now() - 600_000);
});

test.each([
  [[], { tail: "100" }],
  [["-f"], { follow: "true", tail: "100" }],
  [["--tail", "3"], { tail: "3" }],
  [["--tail", "all"], {}],
  [["--since", "2026-01-31"], { since: "2026-01-31T00:00:00.000Z" }],
  [["--execution", "x-1"], { execution: "x-1" }],
  [["--since", "2026-01-31", "--tail", "3"], { since: "2026-01-31T00:00:00.000Z", tail: "3" }],
])("%j asks for the last lines unless it says from when", async (flags, query) => {
  daemon.answers.readLogs = [{ lines: [] }, gone];
  await readTexts(...flags);
  expect(daemon.calls[0]?.query).toEqual({ follow: "false", ...query });
});

test.each(["yesterday", "10", "5w", "-3m", ""])("--since %j is refused", async (since) => {
  expect(await readTexts(`--since=${since}`)).toMatchObject({ code: 2 });
});

test("types and streams become the query; a stream of one type alone needs no --type", async () => {
  daemon.answers.readLogs = { lines: [] };
  const ask = async (...flags: string[]): Promise<unknown> => {
    daemon.calls.length = 0;
    expect((await readTexts(...flags)).code).toBe(0);
    return daemon.calls[0]?.query;
  };
  const standard = { follow: "false", tail: "100" };
  expect(await ask("--type", "all")).toEqual({ ...standard, types: "app,hooks,access,error,build" });
  expect(await ask("--type", "app,access")).toEqual({ ...standard, types: "app,access" });
  expect(await ask("--stream", "post-deploy")).toEqual({ ...standard, stream: "post_deploy" });
  expect(await ask("--stream", "request")).toEqual({ ...standard, types: "access", stream: "request" });
});

test.each([
  [["--type", "acess"], "--type is `acess`", "Did you mean `access`?"],
  [["--type", ","], "all, app, hooks, access, error or build", ""],
  [["--stream", "deploys"], "--stream is `deploys`", "Did you mean `deploy`?"],
])("%j is refused", async (flags, message, hint) => {
  const { code, stderr } = await readTexts(...flags);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr).toContain(hint);
  expect(daemon.calls).toEqual([]);
});

describe("bloom log", () => {
  const log = (...argv: string[]): ReturnType<typeof run> => run(["log", ...argv], { BLOOM_API: daemon.url });

  test.each([
    ["access", { types: "access" }],
    ["app", { types: "app" }],
    ["build", { types: "build" }],
    ["deploy", { types: "hooks", stream: "deploy" }],
    ["error", { types: "error" }],
    ["post-deploy", { types: "hooks", stream: "post_deploy" }],
  ])("%s", async (type, query) => {
    daemon.answers.readLogs = { lines: [{ ...logLine("5", "said"), instance: null, version: null }] };
    const { code, stdout } = await log(type, "acme:shop", "-e", "staging", "--lines", "3");
    expect([code, stdout]).toEqual([0, "00:00:00.5Z app | said\n"]);
    expect(daemon.calls[0]).toMatchObject({
      params: { org: "acme", app: "shop", environment: "staging" },
      query: { follow: "false", tail: "3", ...query },
    });
  });

  test("shows the last 100 lines, and with --tail what comes", async () => {
    daemon.answers.readLogs = gone;
    expect((await log("app", "shop", "--tail")).code).toBe(5);
    expect(daemon.calls[0]?.query).toEqual({ follow: "true", types: "app", tail: "100" });
  });

  test.each([
    [["weather", "shop"], "access, app, build, deploy, error or post-deploy"],
    [["acess", "shop"], "Did you mean `access`?"],
    [["app", "shop", "--lines", "many"], "--lines is `many`"],
    [["app", "No Shop"], "not a valid name"],
  ])("%j is refused", async (argv, words) => {
    expect(await log(...argv)).toMatchObject({ code: 2, stderr: expect.stringContaining(words) as string });
    expect(daemon.calls).toEqual([]);
  });
});

test.each([
  [{ type: "hooks", stream: "deploy", instance: null } as const, "00:00:00.5Z v1 deploy | hi"],
  [{ type: "hooks", stream: "pre_start", instance: "i-1" } as const, "00:00:00.5Z v1 i-1 pre_start | hi"],
  [{ type: "access", stream: "request", instance: null, version: null } as const, "00:00:00.5Z access | hi"],
  [{ type: "build", stream: "build", instance: null } as const, "00:00:00.5Z v1 build | hi"],
])("the head names who speaks: %j", (more, words) => {
  const paint = (_style: string, text: string): string => text;
  expect(formatLogLine({ ...logLine("5", "hi"), ...more }, { paint })).toBe(words);
});

test("each instance has a colour of its own, the platform's remarks are dim", () => {
  const paint = (style: string, text: string): string => `<${style}>${text}</>`;
  const one = formatLogLine(logLine("5", "hi"), { paint });
  expect(one).toMatch(/^<(\w+)>00:00:00\.5Z? v1 i-2{12}<\/> \| hi$/);
  const heads = ["i-1", "i-2", "i-3"].map(
    (id) => formatLogLine(logLine("5", "hi", id), { paint }).split(">")[0],
  );
  expect(new Set(heads).size).toBe(3);
  expect(formatLogLine({ ...logLine("5", "started"), stream: "platform" }, { paint })).toContain(
    "<dim>[started]</>",
  );
});

test("what a handler says through its context is written out, with its execution", () => {
  const paint = (style: string, text: string): string => (style === "red" ? `<red>${text}</>` : text);
  const said = { execution: "x-1", level: "info", message: "stored", fields: { rows: 3 } };
  const format = (text: string, more: object = {}): string =>
    formatLogLine({ ...logLine("5", text), stream: "stderr", ...more }, { paint }).replace(
      /^.*? (?=\||<)/,
      "",
    );
  const own = { execution: "x-1" };
  expect(format(JSON.stringify(said), own)).toBe("| stored  rows=3  x-1");
  expect(format(JSON.stringify({ ...said, level: "error" }), own)).toBe(
    "<red>|</> error  stored  rows=3  x-1",
  );
  expect(format(JSON.stringify(said))).toBe(`<red>|</> ${JSON.stringify(said)}`);
  expect(format("plain", own)).toBe("<red>|</> plain");
});

test("lines of several instances that come out of order are all new", () => {
  const memory = createLogMemory();
  const lines = [logLine("005", "a"), logLine("002", "b"), logLine("005", "a"), logLine("004", "c")];
  expect(lines.map((line) => memory.isNew(line))).toEqual([true, true, true, true]);
  expect(memory.resumeFrom()).toBe("2026-01-01T00:00:00.004Z");
  const again = [logLine("004", "c"), logLine("005", "a"), logLine("005", "a"), logLine("005", "a")];
  expect(again.map((line) => memory.isNew(line))).toEqual([false, false, false, true]);
});
