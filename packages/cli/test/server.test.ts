import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { PlatformStatus } from "@bloomery/contract";
import { run, startFakeDaemon, type FakeDaemon } from "./fake-daemon.js";

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await startFakeDaemon();
  daemon.answers.getStatus = { body: status };
});
afterEach(() => daemon.close());

const status: PlatformStatus = {
  pid: 2_147_483_000,
  version: "0.1.0",
  startedAt: "2026-01-01T00:00:00.000Z",
  home: "/var/lib/bloomery",
  apiUrl: "http://127.0.0.1:4600",
  httpAddress: "127.0.0.1",
  httpPort: 4680,
  baseDomain: "localhost",
  nginx: { running: true, pid: 12, version: "1.22.1" },
  sandbox: { description: "namespaces", root: true, network: "namespaces", cgroups: "v2", missing: [] },
  store: "sqlite",
};

const server = (...argv: string[]): ReturnType<typeof run> =>
  run(["server", ...argv], { BLOOM_API: daemon.url });

describe("status", () => {
  test("shows the daemon, nginx and the sandbox", async () => {
    const { code, stdout } = await server("status");
    expect(code).toBe(0);
    for (const words of ["pid 2147483000", "1.22.1", "control groups: v2", ":4680/"]) {
      expect(stdout).toContain(words);
    }
    expect(JSON.parse((await server("status", "--json")).stdout)).toEqual(status);
  });

  test("is exit code 9 when nothing runs", async () => {
    const { url } = daemon;
    await daemon.close();
    expect(await run(["server", "status"], { BLOOM_API: url })).toMatchObject({ code: 9, stdout: "" });
    daemon = await startFakeDaemon();
  });
});

describe("stop", () => {
  const health = { body: { ok: true, version: "0.1.0" } };
  const gone = { status: 503, body: { error: { code: "ERR_DAEMON_UNREACHABLE", message: "gone" } } };

  test.each([
    [[], true],
    [["--keep-apps"], false],
  ])("%j: waits until the daemon does not answer any more", async (flags, apps) => {
    daemon.answers.shutdown = { body: { ok: true } };
    daemon.answers.getHealth = [health, health, gone];
    const { code, stdout } = await server("stop", ...flags, "--json");
    expect([code, JSON.parse(stdout)]).toEqual([0, { ok: true, pid: status.pid }]);
    expect(daemon.calls.find(({ route }) => route === "shutdown")?.body).toEqual({ apps });
    expect(daemon.count("getHealth")).toBe(3);
  });
});
