import { completeConfig, shimSpec, type PartialConfig, type ShimSpec } from "@bloomery/contract";
import { expect, test } from "vitest";
import { planInstanceSpec, planListenVariables } from "../../src/run/plan-instance.js";

const dir = "/home/b/instances/i-1";
const user = { uid: 1_900_000_004, gid: 1_900_000_004 };

function plan(config: Partial<PartialConfig> = {}, isRoot = true): ShimSpec {
  const wish = {
    ...{ id: "i-1", appName: "hello", appSlot: 2, environmentId: "env-1", releaseId: "rel-1" },
    ...{ role: "web", replica: 0, artifactDir: "/home/b/artifacts/abc", mounts: [], runtimeDocument: "{}" },
    config: completeConfig({ web: { start: "" }, network: "none", prefork: {}, ...config }),
    env: { SECRET: "s3cret", BLOOM_READY_FD: "9" },
  };
  return planInstanceSpec(wish, {
    ...{ dir, etc: `${dir}/etc`, isStandby: false, bwrap: "/usr/bin/bwrap", cgroups: [] },
    ...{ preforkPath: "/opt/bloom/bin/bloom-prefork", user: isRoot ? user : null, netns: null },
    listen: { kind: "given", path: `${dir}/app.sock` },
    mounts: [{ path: "uploads", source: "/v/uploads" }],
  });
}

const wordsOf = ({ command }: ShimSpec): readonly string[] =>
  command.slice(command.indexOf("/app", command.lastIndexOf("--")) + 1);

test.each([true, false])("is an order the shim understands, root: %s", (isRoot) => {
  const spec = plan({}, isRoot);
  expect(shimSpec.parse(spec)).toEqual(spec);
});

test("the host is called as people call it, with the platform's socket in place of the ini's", () => {
  const platform = ["--platform-socket", "fd://5", "--platform-stats", "/run/bloomery/stats.sock"];
  expect(wordsOf(plan())).toEqual(["/run/bloom-prefork", "app.ini", ...platform]);
  const own = { ini: "conf/shop.ini", section: "live", workers: 4, threads: 10 };
  expect(wordsOf(plan({ prefork: own }))).toEqual([
    ...["/run/bloom-prefork", "conf/shop.ini:live", "--processes", "4", "--threads", "10"],
    ...platform,
  ]);
});

test("it finds its tree, its mounts, a folder for its sockets, and the host as nobody can write it", () => {
  const binds = (spec: ShimSpec): string => spec.command.join(" ");
  expect(binds(plan())).toContain("--ro-bind /mnt/app /app --bind /mnt/mount-0 /app/uploads");
  expect(binds(plan())).toContain("--bind /mnt/run /run/bloomery --ro-bind /mnt/host /run/bloom-prefork");
  const { stage } = plan();
  expect(stage?.mounts).toContainEqual({ name: "host", source: "/opt/bloom/bin/bloom-prefork" });
  expect(stage?.mounts).toContainEqual({ name: "run", source: `${dir}/run` });
  expect(binds(plan({}, false))).toContain("--ro-bind /opt/bloom/bin/bloom-prefork /run/bloom-prefork");
});

test("without a wish for it there is no network, not even the machine's loopback", () => {
  expect(plan().command).toContain("--unshare-net");
  expect(plan({ network: "outbound" }).command).not.toContain("--unshare-net");
});

test("it says itself when it is ready, and is asked alone to end", () => {
  const web = { start: "", ready: { path: null, timeoutSeconds: 7 }, graceSeconds: 9 };
  expect(plan({ web })).toMatchObject({
    env: { SECRET: "s3cret", BLOOM_READY_FD: "3" },
    ready: { kind: "message", timeout_ms: 7000 },
    stop: { signal: "TERM", grace_ms: 9000, alone: true },
    listen: `${dir}/app.sock`,
    forward: null,
    records: null,
  });
  expect(plan().command.join(" ")).not.toContain("s3cret");
});

test("a further command inside is told of no descriptor that it does not have", () => {
  const listen = { kind: "given", path: "/x" } as const;
  expect(planListenVariables(completeConfig({ web: { start: "" }, prefork: {} }), listen)).toEqual({});
});

test("an app on a port is none for the host", () => {
  const config = completeConfig({ web: { start: "./server" } });
  const wish = { ...{ id: "i", appName: "a", appSlot: 1, environmentId: "e", releaseId: "r" }, config };
  const facts = {
    ...{ dir, etc: "/e", isStandby: false, bwrap: "/b", preforkPath: "/p", user: null, netns: null },
    ...{ cgroups: [], mounts: [], listen: { kind: "given", path: "/x" } as const },
  };
  const rest = { role: "web", replica: 0, artifactDir: "/a", mounts: [], env: {}, runtimeDocument: "" };
  expect(() => planInstanceSpec({ ...wish, ...rest }, facts)).toThrow(
    "a web cannot listen on a given socket",
  );
});
