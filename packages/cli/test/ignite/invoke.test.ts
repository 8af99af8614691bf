import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { useFakeDaemon } from "../daemon-per-file.js";
import { execution, frames } from "./documents.js";

const { daemon, ask } = useFakeDaemon();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bloom-invoke-"));
  await writeFile(join(folder, "order.json"), '{"n": 1}');
  await writeFile(join(folder, "bad.json"), '{\n"n": }');
  await writeFile(join(folder, "bytes.bin"), Buffer.from([0, 255]));
});
afterAll(() => rm(folder, { recursive: true }));

function payload(): string {
  const body = daemon().calls[0]?.body as { payload: string } | undefined;
  return Buffer.from(body?.payload ?? "", "base64").toString("latin1");
}

describe("the answer", () => {
  test("is the body as it comes, and nothing else", async () => {
    daemon().answers.igniteInvoke = { lines: frames(200, ["he", "llo", ""]) };
    for (const verb of [["ignite", "invoke"], ["invoke"]]) {
      expect(await ask([...verb, "org:hello", "-p", "1"])).toEqual({ code: 0, stdout: "hello", stderr: "" });
    }
  });

  test("is its frames with --json", async () => {
    const all = frames(404, ["no"]);
    daemon().answers.igniteInvoke = { lines: all };
    const { code, stdout } = await ask(["invoke", "hello", "--json"]);
    expect([
      code,
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ]).toEqual([5, all]);
  });

  test("has its head on standard error with -v", async () => {
    daemon().answers.igniteInvoke = { lines: frames(201, ["x"]) };
    const { stdout, stderr } = await ask(["invoke", "hello", "-v"]);
    expect(stdout).toBe("x");
    expect(stderr).toContain("201, execution x-222222222222, version 2");
    expect(stderr).toContain("content-type: application/json");
    expect(stderr).toContain("succeeded in 1.50 ms");
  });

  test.each([
    [400, 2],
    [401, 3],
    [403, 4],
    [404, 5],
    [409, 6],
    [418, 2],
    [429, 7],
    [500, 1],
    [503, 1],
    [504, 8],
  ])("with status %i is exit code %i, the body still on standard output", async (status, exit) => {
    daemon().answers.igniteInvoke = { lines: frames(status, ['{"error":"x"}']) };
    const { code, stdout, stderr } = await ask(["ignite", "invoke", "org:hello"]);
    expect([code, stdout]).toEqual([exit, '{"error":"x"}']);
    expect(stderr).toContain(`status ${status} (execution ${execution.executionId})`);
  });

  test.each([
    ["EXECUTION_STATUS_FAILED", 500, 1, "ended as failed with status 500"],
    ["EXECUTION_STATUS_FAILED", 200, 1, "ended as failed"],
    ["EXECUTION_STATUS_TIMED_OUT", 504, 8, "ended as timed_out"],
    ["EXECUTION_STATUS_CANCELLED", 200, 130, "ended as cancelled"],
  ] as const)(
    "of an execution that ends as %s after %i is exit code %i",
    async (ended, status, exit, words) => {
      daemon().answers.igniteInvoke = {
        lines: frames(status, ["x"], { status: ended, error: "it panicked" }),
      };
      const { code, stderr } = await ask(["invoke", "hello"]);
      expect([code, stderr]).toEqual([exit, expect.stringContaining(words)]);
      expect(stderr).toContain("it panicked");
    },
  );

  test.each([["break"], ["end"]] as const)("that stops in the middle (%s) is exit code 9", async (after) => {
    daemon().answers.igniteInvoke = { lines: frames(200, ["half"]).slice(0, 2), after };
    const { code, stdout } = await ask(["invoke", "hello"]);
    expect([code, stdout]).toEqual([9, "half"]);
  });

  test("that is an error of ours is the error", async () => {
    daemon().answers.igniteInvoke = {
      status: 409,
      body: { error: { code: "ERR_NOTHING_DEPLOYED", message: "nothing is published" } },
    };
    expect(await ask(["invoke", "hello"])).toMatchObject({ code: 1, stdout: "" });
  });

  test("on a terminal ends with a line of its own", async () => {
    daemon().answers.igniteInvoke = { lines: frames(200, ["x"]) };
    expect((await ask(["invoke", "hello"], {}, "/", { terminal: { isTTY: true } })).stdout).toBe("x\n");
  });
});

describe("the payload", () => {
  test.each([
    ["-p", ["-p", '{"n": 1}']],
    ["--payload-file", ["--payload-file", "order.json"]],
    ["`-`", ["-"]],
    ["-p -", ["-p", "-"]],
    ["--payload-file -", ["--payload-file", "-"]],
  ])("comes from %s", async (_name, args) => {
    daemon().answers.igniteInvoke = { lines: frames(200, []) };
    const { code } = await ask(["invoke", "hello", ...args], {}, folder, {
      stdin: Readable.from(['{"n": 1}']),
    });
    expect([code, payload()]).toEqual([0, '{"n": 1}']);
    expect(daemon().calls[0]?.body).toMatchObject({
      http: { headers: { "content-type": "application/json" } },
    });
  });

  test("is nothing without any of them", async () => {
    daemon().answers.igniteInvoke = { lines: frames(200, []) };
    await ask(["invoke", "hello"]);
    expect(daemon().calls[0]?.body).toEqual({ http: { method: "POST", path: "/", query: "", headers: {} } });
  });

  test("is any bytes with --raw, whose type a header may say", async () => {
    daemon().answers.igniteInvoke = { lines: frames(200, []) };
    await ask(["invoke", "hello", "--payload-file", "bytes.bin", "--raw"], {}, folder);
    expect(payload()).toBe("\u0000\u00ff");
    expect(daemon().calls[0]?.body).toMatchObject({
      http: { headers: { "content-type": "application/octet-stream" } },
    });
    daemon().calls.length = 0;
    await ask(["invoke", "hello", "-p", "x", "--raw", "--header", "Content-Type: text/plain"]);
    expect(daemon().calls[0]?.body).toMatchObject({ http: { headers: { "content-type": "text/plain" } } });
  });

  test.each([
    [["-p", "{message: hi}"], "column 2"],
    [["-p", "hello"], "--raw"],
    [["-p", ""], "--payload is not JSON"],
    [["--payload-file", "bad.json"], "bad.json:2:6"],
    [["--payload-file", "none.json"], "--payload-file cannot be read"],
    [["-"], "standard input is not JSON"],
    [["-p", "1", "--payload-file", "order.json"], "more than once"],
    [["-p", "1", "-"], "more than once"],
    [["order.json"], "`order.json` is not expected here"],
  ])("%j is refused with exit code 2", async (args, words) => {
    const { code, stderr } = await ask(["ignite", "invoke", "org:hello", ...args], {}, folder);
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
    expect(daemon().calls).toEqual([]);
  });
});

test.each([
  ["a file", ["--payload-file", "sparse.bin"], "has 1.1 GB, but at most 49.3 MB"],
  ["a file without an end", ["--payload-file", "/dev/zero"], "has more than 49.3 MB"],
  ["standard input without an end", ["-"], "has more than 49.3 MB"],
])("%s that is too large is not read to its end", async (_, args, words) => {
  await writeFile(join(folder, "sparse.bin"), "");
  await truncate(join(folder, "sparse.bin"), 1024 ** 3);
  let isLeft = false;
  const stdin = Readable.from(
    (function* () {
      try {
        for (;;) yield Buffer.alloc(1_048_576);
      } finally {
        isLeft = true;
      }
    })(),
  );
  const { code, stderr } = await ask(["invoke", "hello", "--raw", ...args], {}, folder, { stdin });
  expect([code, stderr]).toEqual([7, expect.stringContaining(words)]);
  expect(stderr).toContain("the function's own address");
  expect(isLeft).toBe(args[0] === "-");
  expect(daemon().calls).toEqual([]);
  await rm(join(folder, "sparse.bin"));
});

describe("the request", () => {
  test("has any method, path, query and headers", async () => {
    daemon().answers.igniteInvoke = { lines: frames(200, []) };
    const flags = [
      "--method",
      "get",
      "--path",
      "/a/b",
      "--query",
      "x=1",
      "--query",
      "?y=2",
      "--header",
      "X-A: 1",
    ];
    await ask(["invoke", "hello", ...flags, "--header", "x-a:2"]);
    expect(daemon().calls[0]?.body).toEqual({
      http: { method: "GET", path: "/a/b", query: "x=1&y=2", headers: { "x-a": "1, 2" } },
    });
  });

  test.each([
    [["--method", "G T"], "--method"],
    [["--path", "a"], "must begin with /"],
    [["--path", "/a?b=1"], "--query"],
    [["--query", "a b"], "%20"],
    [["--header", "no colon"], "`Name: value`"],
    [["--header", "A: 1\r\nB: 2"], "on one line"],
    [["--version", "latest"], "--version"],
    [["--version", "0"], "--version"],
    [["--retries", "2"], "Give --async"],
    [["--async", "--version", "2"], "do not go together"],
    [["--async", "--retries", "many"], "--retries"],
  ])("%j is refused with exit code 2", async (args, words) => {
    const { code, stderr } = await ask(["invoke", "hello", ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
    expect(daemon().calls).toEqual([]);
  });

  test("goes to a version with --version", async () => {
    daemon().answers.igniteTestVersion = { lines: frames(200, ["old"]) };
    expect((await ask(["invoke", "org:hello", "--version", "v1"])).stdout).toBe("old");
    expect(daemon().calls[0]?.params).toEqual({ org: "org", app: "hello", version: "1" });
  });

  test("goes into the queue with --async, tried again when asked", async () => {
    daemon().answers.igniteInvokeAsync = { body: { executionId: execution.executionId } };
    const { stdout, stderr } = await ask(["invoke", "hello", "-p", "1", "--async", "--retries", "3"]);
    expect(stdout).toBe(`${execution.executionId}\n`);
    expect(stderr).toContain(`bloom execution watch ${execution.executionId}`);
    expect(daemon().calls[0]?.body).toMatchObject({ retries: 3, payload: "MQ==" });
    const json = await ask(["ignite", "invoke", "hello", "--async", "--json"]);
    expect(JSON.parse(json.stdout)).toEqual({ executionId: execution.executionId });
  });
});
