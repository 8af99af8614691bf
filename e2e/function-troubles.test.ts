import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, fixture, startPlatform, type Platform } from "./lib/platform.js";
import { sendWithoutEnd, startBody } from "./lib/send-body.js";

interface Execution {
  readonly executionId: string;
  readonly status: string;
  readonly httpStatus?: number;
  readonly cold: boolean;
  readonly error?: string;
}

/** One deployed function, and everything a handler can do wrong. */
describe("a function in trouble", () => {
  let platform: Platform;
  const host = "function-troubles-local.localhost";
  const ask = (path: string, body = "{}") => platform.get(host, path, { method: "POST", body });
  const list = async (): Promise<readonly Execution[]> =>
    (
      await platform.json<{ executions: Execution[] }>(
        ...["execution", "list", "function-troubles", "--limit", "500"],
      )
    ).executions;
  /** The record of an execution that is `wanted`, as soon as there is one. */
  const recordOf = async (what: string, wanted: (one: Execution) => boolean): Promise<Execution> => {
    const all = await eventually(what, list, (rows) => rows.some(wanted));
    return all.find(wanted) as Execution;
  };
  const errorOf = (text: string): string => (JSON.parse(text) as { error: string }).error;

  beforeAll(async () => {
    platform = await startPlatform();
    await platform.json("deploy", fixture("fixtures/apps/function-troubles"));
  });
  afterAll(() => platform.stop());

  test("a panic and an error are answers, and the function lives on", async () => {
    expect(await ask("/panic")).toMatchObject({ status: 500 });
    expect(errorOf((await ask("/panic")).body)).toContain("the handler gave up");
    const failed = await ask("/error");
    expect(failed.status).toBe(500);
    expect(errorOf(failed.body)).toBe("no tea left");
    expect((await ask("/")).status).toBe(200);
  });

  test("bodies that are wrong reach the handler, or say what is missing", async () => {
    expect((await ask("/length", "no json")).body).toBe("7");
    expect((await ask("/need", "no json")).status).toBe(400);
    expect((await ask("/need", "")).status).toBe(400);
    const missing = await ask("/need", '{"other": 1}');
    expect(missing.status).toBe(400);
    expect(errorOf(missing.body)).toContain("count");
    expect((await ask("/need", '{"count": 3}')).body).toBe("3");
    expect((await ask("/length", "x".repeat(8 * 1024 * 1024))).status).toBe(413);
  });

  test("what never returns ends with 504, and others are answered meanwhile", async () => {
    const late = ask("/never");
    expect((await ask("/")).status).toBe(200);
    expect((await late).status).toBe(504);
  });

  test("a handler that ends its process is answered for, and the process replaced", async () => {
    const ended = await ask("/exit");
    expect(ended.status).toBe(502);
    expect(JSON.parse(ended.body)).toMatchObject({ code: "ERR_FUNCTION_UNREACHABLE" });
    expect((await ask("/")).status).toBe(200);
    const id = String(ended.headers["x-ignite-execution-id"]);
    const record = await recordOf("the record", ({ executionId }) => executionId === id);
    expect(record).toMatchObject({ status: "EXECUTION_STATUS_FAILED" });
    expect(record.error).toMatch(/^the (process exited before|function's process ended: exit code 3 )/);
    // Its own code, and not how the process fell over its last words.
    const { stdout } = await platform.bloom("logs", "function-troubles", "--json", "--tail", "all");
    expect(stdout).toContain("exited with code 3 after");
  });

  test("handlers that block their threads get 504, also all of them, and others are served soon", async () => {
    expect([502, 504]).toContain((await ask("/block")).status);
    expect((await ask("/")).status).toBe(200);
    const all = await Promise.all(Array.from({ length: 4 }, () => ask("/block")));
    expect(all.map(({ status }) => status).filter((status) => status !== 502 && status !== 504)).toEqual([]);
    await eventually(
      "an answer",
      () => ask("/"),
      ({ status }) => status === 200,
    );
  });

  test("one that takes all memory is ended, the next caller is served, and it is said everywhere", async () => {
    const why = /^the function's process was killed: it used more than its 96 MB of memory, after /;
    const taken = await ask("/hog");
    expect(taken.status).toBe(502);
    expect((await ask("/")).status).toBe(200);
    const { instances } = await platform.json<{ instances: { lastExit: string | null }[] }>(
      ...["ps", "function-troubles"],
    );
    expect(instances[0]?.lastExit).toContain("it used more than its 96 MB of memory");
    const id = String(taken.headers["x-ignite-execution-id"]);
    const record = await recordOf("the record", ({ executionId }) => executionId === id);
    expect(record).toMatchObject({ status: "EXECUTION_STATUS_FAILED", httpStatus: 502 });
    expect(record.error).toMatch(why);
    const called = await platform.bloom("invoke", "function-troubles", "--path", "/hog", "--json");
    expect(called.code).toBe(1);
    const trailer = called.stdout.trim().split("\n").at(-1) ?? "";
    expect((JSON.parse(trailer) as { trailer: { error: string } }).trailer.error).toMatch(why);
    expect((await ask("/")).status).toBe(200);
  });

  test.each(["with its length", "in chunks"])("a body of 1 GiB %s is refused at once", async (how) => {
    const to = { port: platform.httpPort, host, path: "/length" };
    const refused = await sendWithoutEnd(to, how === "in chunks" ? undefined : 1024 ** 3);
    expect(refused.status).toBe(413);
    expect(errorOf(refused.body)).toContain("6291456 bytes");
    // What lies in the buffers between here and there.
    expect(refused.sent).toBeLessThan(256 * 1024 ** 2);
    const token = (await readFile(join(platform.home, "admin.token"), "utf8")).trim();
    const api = {
      port: platform.apiPort,
      host: "127.0.0.1",
      path: "/v1/ignite/app/local/function-troubles/invoke",
    };
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const unread = await sendWithoutEnd({ ...api, headers }, how === "in chunks" ? undefined : 1024 ** 3);
    expect(unread.status).toBe(413);
    expect(unread.body).toContain("ERR_BODY_TOO_LARGE");
    expect(unread.sent).toBeLessThan(256 * 1024 ** 2);
    expect((await ask("/")).status).toBe(200);
  });

  test.each([
    ["with its length", 'content-length: 1000000\r\n\r\n{"half":'],
    ["in chunks", "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\nhalf"],
  ])("a caller that leaves in the middle of its body %s is on record, and harms nobody", async (_, rest) => {
    const before = new Set((await list()).map(({ executionId }) => executionId));
    const record = await eventually(
      "the record of one that left after the function had heard of it",
      async () => {
        const leave = await startBody({ port: platform.httpPort, host, path: "/length" }, rest);
        await delay(100);
        await leave();
        return (await list()).find(({ executionId }) => !before.has(executionId));
      },
      (found) => found !== undefined,
    );
    if (record === undefined) throw new Error("eventually has waited for one");
    expect([400, 499]).toContain(record.httpStatus);
    expect(record.error).toMatch(/the body broke off|the caller left/);
    expect((await ask("/length", "whole")).body).toBe("5");
  });

  test("writing to stdout, threads that outlive the call, and work after the answer do no harm", async () => {
    expect((await ask("/stdout")).body).toBe("said");
    expect((await ask("/thread")).body).toBe("spawned");
    expect((await ask("/later")).status).toBe(202);
    await platform.json("sleep", "function-troubles");
    const logs = await platform.bloom("logs", "function-troubles", "--json", "--tail", "all");
    expect(logs.stdout).toContain("to the wrong place");
    expect(logs.stdout).toContain("done after the answer");
  });

  test("who it is cannot be forged", async () => {
    const answer = await platform.get(host, "/whoami", {
      method: "POST",
      body: "{}",
      headers: {
        "x-ignite-execution-id": "forged",
        "X-Ignite-Function-Id": "a/b",
        "x-ignite-organization-id": "c",
      },
    });
    const who = JSON.parse(answer.body) as Record<string, string>;
    expect(who).toMatchObject({ function: "local/function-troubles", organization: "local" });
    expect(who["execution"]).toMatch(/^x-[0-9a-f]{32}$/);
  });

  test("asleep, the first request wakes it and none is lost", async () => {
    await platform.json("sleep", "function-troubles");
    const first = await Promise.all(Array.from({ length: 50 }, () => ask("/")));
    expect(first.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    const counted = first.map(({ body }) => Number(body)).toSorted((a, b) => a - b);
    expect(counted).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  });

  test("each of them is on record, the bad ones too", async () => {
    const rows = await eventually("the records", list, (executions) =>
      [200, 202, 400, 413, 500, 502, 504].every((status) =>
        executions.some(({ httpStatus }) => httpStatus === status),
      ),
    );
    expect(rows.some(({ cold }) => cold)).toBe(true);
  });

  test("what is queued when the daemon is killed is neither lost nor run twice", async () => {
    const token = (await readFile(join(platform.home, "admin.token"), "utf8")).trim();
    const queue = async (retries: number): Promise<string> => {
      const answer = await fetch(
        `http://127.0.0.1:${platform.apiPort}/v1/ignite/app/local/function-troubles/invoke-async`,
        {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify({ http: { path: "/slow" }, payload: btoa('{"ms": 1500}'), retries }),
        },
      );
      return ((await answer.json()) as { executionId: string }).executionId;
    };
    const began = async (): Promise<readonly string[]> => {
      const { stdout } = await platform.bloom("logs", "function-troubles", "--json", "--tail", "all");
      return stdout.split("\n").flatMap((line) => {
        if (!line.includes("began to sleep")) return [];
        const { execution } = JSON.parse(line) as { execution: string | null };
        return execution === null ? [] : [execution];
      });
    };
    const once = await Promise.all(Array.from({ length: 10 }, () => queue(0)));
    const again = await Promise.all(Array.from({ length: 4 }, () => queue(2)));
    await eventually("the first runs", began, (ids) => ids.some((id) => once.includes(id)));
    process.kill(await platform.daemonPid(), "SIGKILL");
    await platform.start();

    const mine = new Set([...once, ...again]);
    const isOver = ({ status }: Execution): boolean => !/_(QUEUED|RUNNING)$/.test(status);
    const ended = await eventually(
      "all ends",
      async () => (await list()).filter(({ executionId }) => mine.has(executionId)),
      (rows) => rows.length === mine.size && rows.every(isOver),
      60_000,
    );
    const ran = await began();
    const runs = (id: string): number => ran.filter((one) => one === id).length;
    for (const { executionId, status, error } of ended) {
      const facts = { status, error, runs: runs(executionId) };
      if (status === "EXECUTION_STATUS_SUCCEEDED") expect(facts.runs).toBeGreaterThan(0);
      // Only what ran at that moment may have failed, and says why.
      else
        expect(facts).toMatchObject({ error: expect.stringMatching(/daemon ended|caller left/) as string });
    }
    expect(once.map(runs).filter((count) => count > 1)).toEqual([]);
    const failed = ended.filter(({ status }) => status !== "EXECUTION_STATUS_SUCCEEDED");
    expect(failed.filter(({ executionId }) => again.includes(executionId))).toEqual([]);
    // As many as run at a time, and those that followed them before the daemon was gone.
    expect(failed.length).toBeLessThan(once.length);
  });
});
