import { describe, expect, test } from "vitest";
import { useFakeDaemon } from "../daemon-per-file.js";
import { app, frames, notFound, version } from "./documents.js";

const { daemon, ask } = useFakeDaemon();

test("list, also wide", async () => {
  daemon().answers.igniteListVersions = { body: { versions: [version] } };
  expect((await ask(["ignite", "version", "list", "org:hello"])).stdout).toMatch(/v2 +active +0123abcd/);
  expect((await ask(["version", "list", "org:hello", "-o", "wide"])).stdout).toContain("1.93.0");
  expect(JSON.parse((await ask(["version", "list", "org:hello", "--json"])).stdout)).toEqual({
    versions: [version],
  });
});

test("get shows the function as it was published", async () => {
  daemon().answers.igniteGetVersion = { body: app };
  expect((await ask(["ignite", "version", "get", "org:hello", "v2"])).stdout).toMatch(/version +v2/);
  expect(daemon().calls[0]?.params).toEqual({ org: "org", app: "hello", version: "2" });
});

test("rollback moves the pointer; to a version that does not exist it is exit code 5", async () => {
  daemon().answers.igniteRollback = [{ body: { activeVersion: 1 } }, notFound("there is no version 9")];
  daemon().answers.igniteGetApp = { body: app };
  expect((await ask(["ignite", "version", "rollback", "org:hello", "1"])).stdout).toContain(
    "version 1 of org:hello",
  );
  const { code, stderr } = await ask(["version", "rollback", "org:hello", "9"]);
  expect([code, stderr]).toEqual([5, expect.stringContaining("there is no version 9")]);
});

describe("code", () => {
  const answer = { fileName: "hello-v2.tar.gz", version: 2, sourceCode: "AAE=" };

  test("is that of the active version, or of another", async () => {
    daemon().answers.igniteGetAppCode = { body: answer };
    expect((await ask(["ignite", "version", "code", "org:hello"])).stdout).toBe("\u0000\u0001");
    await ask(["version", "code", "org:hello", "--version", "1"]);
    expect(daemon().calls.map(({ query }) => query)).toEqual([{}, { version: "1" }]);
    expect(JSON.parse((await ask(["version", "code", "org:hello", "--json"])).stdout)).toEqual(answer);
  });

  test("is not there before the first publish", async () => {
    daemon().answers.igniteGetAppCode = { body: { ...answer, version: 0 } };
    daemon().answers.igniteGetApp = { body: app };
    const { code, stderr } = await ask(["version", "code", "org:hello"]);
    expect([code, stderr]).toEqual([5, expect.stringContaining("has no version yet")]);
  });
});

test("test runs a version with a payload", async () => {
  daemon().answers.igniteTestVersion = { lines: frames(200, ["ok"]) };
  expect((await ask(["ignite", "version", "test", "org:hello", "1", "-p", "[]"])).stdout).toBe("ok");
});

test.each([
  [["get", "org:hello"], "missing required argument"],
  [["get", "org:hello", "latest"], "the version is `latest`"],
  [["rollback", "org:hello", "0"], "the version is `0`"],
  [["code", "org:hello", "--version", "x"], "--version"],
  [["test", "org:hello", "1", "-p", "{"], "not JSON"],
  [["list", "org:hello", "--limit", "all"], "--limit"],
  [["lst"], "Did you mean `version list`?"],
])("%j is refused with exit code 2", async (args, words) => {
  const { code, stderr } = await ask(["version", ...args]);
  expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
  expect(daemon().calls).toEqual([]);
});
