import { completeConfig, execSpec, shimSpec, enterSpec, type PartialConfig } from "@bloomery/contract";
import { describe, expect, test } from "vitest";
import type { InstanceRecord } from "../../src/run/engines/instance-record.js";
import type { InstanceWish } from "../../src/run/engines/engine.js";
import { planEnter } from "../../src/run/plan-enter.js";
import { planInstanceSpec } from "../../src/run/plan-instance.js";
import type { InstanceFacts } from "../../src/run/instance-facts.js";
import { planTmpfs } from "../../src/run/plan-limits.js";
import { planTool } from "../../src/run/plan-tool.js";

const user = { uid: 1_900_000_004, gid: 1_900_000_004 };
const memoryGroup = { path: "/cg/i-1", files: { "memory.max": "1" }, optional: true };

function makeWish(config: Partial<PartialConfig> = {}): InstanceWish {
  return {
    id: "i-1",
    appName: "shop",
    appSlot: 2,
    environmentId: "env-1",
    releaseId: "rel-1",
    role: "web",
    replica: 0,
    config: completeConfig({ web: { start: "./server" }, ...config }),
    artifactDir: "/home/b/artifacts/abc",
    mounts: [],
    env: { SECRET: "s3cret", PORT: "1" },
    runtimeDocument: "{}",
  };
}

function makeFacts(change: Partial<InstanceFacts> = {}): InstanceFacts {
  return {
    dir: "/home/b/instances/i-1",
    etc: "/home/b/instances/i-1/etc",
    isStandby: false,
    bwrap: "/usr/bin/bwrap",
    preforkPath: "/opt/bloom/bin/bloom-prefork",
    user,
    netns: "/run/netns/bl-1",
    listen: { kind: "tcp", port: 8888, forward: null },
    cgroups: [memoryGroup],
    mounts: [],
    ...change,
  };
}

const bindsOf = (command: readonly string[]): string[] =>
  command.flatMap((word, index) =>
    ["--bind", "--ro-bind", "--tmpfs"].includes(word)
      ? [command.slice(index, index + (word === "--tmpfs" ? 2 : 3)).join(" ")]
      : [],
  );
const insideOf = (command: readonly string[]): string[] => command.slice(command.indexOf("--") + 1);

describe("planInstanceSpec", () => {
  test.each([
    ["as root", makeFacts()],
    ["without root", makeFacts({ user: null, netns: null, cgroups: [] })],
    ["on a socket", makeFacts({ listen: { kind: "unix", forward: "/home/b/instances/i-1/app.sock" } })],
  ])("is an order the shim understands, %s", (_, facts) => {
    const spec = planInstanceSpec(makeWish(), facts);
    expect(shimSpec.parse(spec)).toEqual(spec);
  });

  test("shows the artifact read-only, the mounts over it from the outside in, and /run", () => {
    const mounts = ["var/cache", "var", "uploads"].map((path) => ({ path, source: `/v/${path}` }));
    const { command, stage } = planInstanceSpec(makeWish(), makeFacts({ mounts }));
    const binds = bindsOf(command);
    expect(binds.slice(binds.indexOf("--ro-bind /mnt/app /app"))).toEqual([
      "--ro-bind /mnt/app /app",
      "--bind /mnt/mount-0 /app/uploads",
      "--bind /mnt/mount-1 /app/var",
      "--bind /mnt/mount-2 /app/var/cache",
      "--ro-bind /mnt/config /run/config.json",
    ]);
    expect(binds.indexOf("--tmpfs /run")).toBeLessThan(
      binds.indexOf("--ro-bind /mnt/config /run/config.json"),
    );
    expect(stage?.mounts).toContainEqual({ name: "mount-1", source: "/v/var" });
    expect(stage?.mounts).toContainEqual({ name: "config", source: "/home/b/instances/i-1/config.json" });
  });

  test("tells PORT or SOCKET, never both, whatever the release says", () => {
    expect(planInstanceSpec(makeWish(), makeFacts()).env).toEqual({ SECRET: "s3cret", PORT: "8888" });
    const listen = { kind: "unix", forward: "/x/app.sock" } as const;
    const { PORT: _, ...env } = makeWish().env;
    const spec = planInstanceSpec({ ...makeWish(), env }, makeFacts({ listen }));
    expect(spec.env).toEqual({ SECRET: "s3cret", SOCKET: "/run/bloomery/app.sock" });
    expect(spec.command.join(" ")).not.toContain("s3cret");
  });

  test("an app on a socket is probed and reached through a folder of its own", () => {
    const wish = makeWish({ web: { start: "./server", ready: { path: "/health", timeoutSeconds: 7 } } });
    const listen = { kind: "unix", forward: "/home/b/instances/i-1/app.sock" } as const;
    const spec = planInstanceSpec(wish, makeFacts({ listen }));
    const socket = "/home/b/instances/i-1/run/app.sock";
    expect(spec.ready).toEqual({ kind: "unix", socket, path: "/health", timeout_ms: 7000 });
    expect(spec.forward).toEqual({ listen: "/home/b/instances/i-1/app.sock", socket });
    expect(bindsOf(spec.command)).toContain("--bind /mnt/run /run/bloomery");
  });

  test.each([
    [{ kind: "tcp", port: 8888, forward: null }, null, { kind: "tcp", port: 8888, timeout_ms: 60_000 }, null],
    [
      { kind: "tcp", port: 40_000, forward: "/f" },
      "/up",
      { kind: "http", port: 40_000, path: "/up", timeout_ms: 60_000 },
      { listen: "/f", port: 40_000 },
    ],
  ] as const)("probes and forwards %j with path %j", (listen, path, ready, forward) => {
    const wish = makeWish({ web: { start: "x", ready: { path, timeoutSeconds: 60 } } });
    expect(planInstanceSpec(wish, makeFacts({ listen }))).toMatchObject({ ready, forward });
  });

  test("start, pre_start and post_start are whole lines behind .environment", () => {
    const line = "./a 'b' && $C";
    const wish = makeWish({ web: { start: line, preStart: `pre ${line}`, postStart: null } });
    const spec = planInstanceSpec(wish, makeFacts());
    expect(insideOf(spec.command).slice(3)).toEqual(["/app", "/bin/sh", "-c", line]);
    expect(spec.pre_start?.slice(3)).toEqual(["/app", "/bin/sh", "-c", `pre ${line}`]);
    expect(spec.post_start).toBeNull();
  });
});

describe("planTmpfs", () => {
  const mb = 1_048_576;
  const limits = (memory: number, tmp: number) => ({
    memoryBytes: memory * mb,
    tmpBytes: tmp * mb,
    cpu: 1,
    pids: 1,
  });
  test.each([
    [512, 100, 100],
    [512, 1024, 216],
    [96, 32, 32],
    [16, 1024, 6],
  ])("with %i MB of memory and %i MB asked for, /tmp has %i MB", (memory, tmp, expected) => {
    const planned = planTmpfs(limits(memory, tmp), [memoryGroup]);
    expect(planned["/tmp"]).toBe(expected * mb);
    const all = Object.values(planned).reduce((sum, bytes) => sum + bytes, 0);
    expect(all).toBeLessThanOrEqual((memory * mb) / 2);
  });

  test("without a memory group, memory says nothing about /tmp", () => {
    expect(planTmpfs(limits(128, 1024), [])["/tmp"]).toBe(1024 * mb);
  });
});

describe("commands inside", () => {
  const record: InstanceRecord = {
    id: "i-1",
    environmentId: "env-1",
    releaseId: "rel-1",
    role: "web",
    replica: 0,
    address: { kind: "unix", path: "/x" },
    netnsAddress: null,
    netnsPorts: [],
    relays: [],
    outbound: true,
    only: null,
    hasWorkers: false,
    cgroups: ["/cg/i-1"],
    variables: { PORT: "8888" },
    memoryBytes: 1,
    user,
    rlimits: { core: 0 },
  };

  test("enter with the release's environment, the instance's port and the caller's own last", () => {
    const env = { A: "release", B: "release", PORT: "1", TERM: "dumb" };
    const order = { command: ["env", "-0"], env: { B: "order" }, tty: { rows: 2, cols: 3 } };
    const spec = planEnter(order, { record, pid: 42, env });
    expect(enterSpec.parse(spec)).toEqual(spec);
    expect(spec).toMatchObject({
      pid: 42,
      cwd: "/app",
      user,
      cgroups: ["/cg/i-1"],
      tty: { rows: 2, cols: 3 },
    });
    expect(spec.env).toEqual({ A: "release", B: "order", PORT: "8888", TERM: "xterm-256color" });
    expect(spec.command.slice(3)).toEqual(["/app", "env", "-0"]);
    expect(planEnter({ ...order, tty: null }, { record, pid: 42, env }).env["TERM"]).toBe("dumb");
  });

  test("tools see the named folders, no network and no app", () => {
    const wish = {
      id: "tool-1",
      appSlot: 2,
      mounts: [
        { source: "/v/a", target: "/mounts/a", writable: false },
        { source: "/v/b", target: "/mounts/b", writable: true },
      ],
      command: ["tar", "-c", "."],
    };
    const spec = planTool(wish, { bwrap: "bwrap", user, cgroups: [], etc: "/e" });
    expect(execSpec.parse(spec)).toEqual(spec);
    expect(bindsOf(spec.command).filter((bind) => !bind.includes("/etc/"))).toEqual([
      "--ro-bind /usr /usr",
      "--tmpfs /dev/shm",
      "--tmpfs /tmp",
      "--ro-bind /mnt/mount-0 /mounts/a",
      "--bind /mnt/mount-1 /mounts/b",
    ]);
    expect(spec.command).toContain("--unshare-net");
    expect(insideOf(spec.command)).toEqual(["tar", "-c", "."]);
  });
});
