import { createServer } from "node:net";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkVolumes } from "../src/doctor/disks.js";
import { judgeForwarding } from "../src/doctor/firewall.js";
import { checkNamespaces } from "../src/doctor/kernel.js";
import { checkNginx } from "../src/doctor/nginx.js";
import { checkProgram } from "../src/doctor/programs.js";
import { run, startFakeDaemon } from "./fake-daemon.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "bloom-doctor-"));
});
afterEach(() => rm(root, { recursive: true }));

async function writeProgram(name: string, script: string): Promise<void> {
  await writeFile(join(root, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(root, name), 0o755);
}

describe("a program", () => {
  const look = (name: string): ReturnType<typeof checkProgram> =>
    checkProgram({ name, argv: ["--version"], fix: "install it" }, { PATH: root, HOME: root });

  test("is fine when it runs", async () => {
    await writeProgram("tool-a", 'echo "tool-a 1.2 $1"; echo more');
    expect(await look("tool-a")).toMatchObject({ ok: true, found: "tool-a 1.2 --version" });
  });

  test("is not when it is missing or fails", async () => {
    await writeProgram("tool-b", "echo 'no permission' >&2; exit 3");
    expect(await look("tool-b")).toMatchObject({ ok: false, found: "no permission", fix: "install it" });
    expect(await look("tool-c")).toMatchObject({ ok: false, found: "not installed" });
  });

  test("may be elsewhere than on the PATH, and nowhere", async () => {
    await writeProgram("tool-d", "echo tool-d 2");
    const lookAt = (path: string | null): ReturnType<typeof checkProgram> =>
      checkProgram({ name: "host", path, argv: [], fix: "build it", optional: true }, { PATH: "" });
    expect(await lookAt(join(root, "tool-d"))).toMatchObject({ name: "host", ok: true, found: "tool-d 2" });
    expect(await lookAt(null)).toMatchObject({ ok: false, optional: true, found: "not installed" });
  });
});

test.each([
  [{}, true, "allowed", ""],
  [{ "user/max_user_namespaces": "100\n" }, true, "allowed", ""],
  [
    { "kernel/unprivileged_userns_clone": "0\n" },
    false,
    "kernel.unprivileged_userns_clone is 0",
    "sudo sysctl -w kernel.unprivileged_userns_clone=1",
  ],
  [
    { "kernel/apparmor_restrict_unprivileged_userns": "1\n", "user/max_user_namespaces": "0\n" },
    false,
    "kernel.apparmor_restrict_unprivileged_userns is 1, user.max_user_namespaces is 0",
    "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 && sudo sysctl -w user.max_user_namespaces=28633",
  ],
])("the kernel's settings %j", async (settings, ok, found, fix) => {
  const all: Record<string, string> = settings;
  expect(await checkNamespaces(async (path) => all[path])).toMatchObject({ ok, found, fix });
});

describe("the firewall", () => {
  const chain = (more: object): object => ({
    chain: { family: "ip", table: "filter", name: "FORWARD", hook: "forward", policy: "drop", ...more },
  });
  const judge = (...items: object[]): ReturnType<typeof judgeForwarding> =>
    judgeForwarding(JSON.stringify({ nftables: [{ metainfo: {} }, ...items] }), "");

  test("that drops what is forwarded is named, with the lines to add", () => {
    expect(judge(chain({}))).toMatchObject({ ok: false, optional: true });
    expect(judge(chain({})).found).toContain("ip filter FORWARD drops");
    expect(judge(chain({})).fix).toContain(`nft insert rule ip filter FORWARD iifname '"bv-*"' accept`);
    const legacy = judgeForwarding("", "-P FORWARD DROP\n");
    expect([legacy.ok, legacy.fix]).toEqual([false, expect.stringContaining("-I FORWARD -i bv-+ -j ACCEPT")]);
  });

  test.each([
    [[chain({ policy: "accept" })]],
    [[chain({ hook: "input" })]],
    [[chain({ table: "bloom-c6120000" })]],
    [[chain({ family: "ip6" })]],
    [
      [
        chain({}),
        { rule: { family: "ip", table: "filter", chain: "FORWARD", expr: [{ match: { right: "bv-*" } }] } },
      ],
    ],
    [[]],
  ])("that lets instances out is fine: %j", (items) => {
    expect(judge(...items)).toMatchObject({ ok: true });
  });

  test("that cannot be read is not blamed", () => {
    expect(judgeForwarding("no such thing", "").ok).toBe(true);
    expect(judgeForwarding("{}", "-P FORWARD DROP\n-A FORWARD -i bv-+ -j ACCEPT\n").ok).toBe(true);
  });
});

test("each module that nginx lacks is said with what is lost and its package", async () => {
  await writeProgram("nginx", `echo "configure arguments: --modules-path=${root} --x" >&2`);
  await writeFile(join(root, "ngx_http_brotli_static_module.so"), "");
  await writeFile(join(root, "ngx_http_headers_more_filter_module.so"), "");
  const env = { PATH: root, HOME: root };
  expect((await checkNginx(env))[0]).toEqual({
    name: "nginx modules",
    ok: false,
    optional: true,
    found: "static files are compressed with gzip only",
    fix: "sudo apt-get install libnginx-mod-http-brotli-filter",
  });
  await writeFile(join(root, "ngx_http_brotli_filter_module.so"), "");
  expect((await checkNginx(env))[0]).toMatchObject({ ok: true });
});

test.each([
  ["--with-http_auth_request_module --with-x", true],
  ["--with-http_auth_request_module=no", false],
  ["--with-http_ssl_module", false],
])("an nginx built %s can ask who calls a function: %s", async (built, ok) => {
  await writeProgram("nginx", `echo "configure arguments: ${built}" >&2`);
  const check = (await checkNginx({ PATH: root, HOME: root }))[1];
  expect(check).toMatchObject({ name: "nginx auth_request", ok, optional: true });
  if (ok) return;
  expect(check?.found).toContain("functions that need a bearer token are refused");
  expect(check?.fix).toContain("sudo apt-get install nginx");
});

test.each([
  ["--with-stream --with-stream_ssl_module", true],
  ["--with-stream=dynamic", false],
  ["--with-stream_ssl_module", false],
])("an nginx built %s can pass on raw TCP without a file of its own: %s", async (built, ok) => {
  await writeProgram("nginx", `echo "configure arguments: --modules-path=${root} ${built}" >&2`);
  const check = async () => (await checkNginx({ PATH: root, HOME: root }))[2];
  expect(await check()).toMatchObject({
    ...{ name: "nginx stream", ok, optional: true },
    found: ok ? "there" : "without it tcp apps are refused",
  });
  await writeFile(join(root, "ngx_stream_module.so"), "");
  expect(await check()).toMatchObject({ ok: true });
});

test("volumes want loop devices and mkfs.ext4", async () => {
  await writeProgram("mkfs.ext4", "echo 1.47 >&2");
  const env = { PATH: root, HOME: root };
  const device = join(root, "loop-control");
  expect(await checkVolumes(env, device)).toMatchObject({
    ok: false,
    found: expect.stringContaining("loop-control may not be used") as string,
    fix: expect.stringContaining("modprobe loop") as string,
  });
  await writeFile(device, "");
  expect(await checkVolumes(env, device)).toMatchObject({ ok: true });
  await writeProgram("mkfs.ext4", "exit 1");
  expect((await checkVolumes(env, device)).fix).toContain("e2fsprogs");
});

interface Report {
  readonly ok: boolean;
  readonly checks: { name: string; ok: boolean; optional: boolean; found: string; fix: string }[];
}

test("the report says for each broken thing what to do, and exit code 1", async () => {
  const env = { PATH: root, HOME: root, BLOOM_HOME: join(root, "home"), BLOOM_API: "http://127.0.0.1:1" };
  const { code, stdout } = await run(["doctor", "--json"], env);
  const { ok, checks } = JSON.parse(stdout) as Report;
  expect([code, ok]).toEqual([1, false]);
  expect(checks.find(({ name }) => name === "cargo")).toMatchObject({ ok: false, found: "not installed" });
  const names = checks.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["jq", "nginx modules", "nginx auth_request"]));
  const isRoot = process.getuid?.() === 0;
  expect([names.includes("firewall"), names.includes("volumes")]).toEqual([isRoot, isRoot]);
  expect(checks.find(({ name }) => name === "daemon")).toMatchObject({ ok: false, optional: true });
  for (const one of checks) if (!one.ok) expect(one.fix).not.toBe("");
  const text = (await run(["doctor"], env)).stdout;
  expect(text).toMatch(/^FAIL {2}cargo: not installed\n {6}next: install Rust/m);
});

test("the ports of the running daemon are its own", async () => {
  const daemon = await startFakeDaemon();
  daemon.answers.getHealth = { body: { ok: true, version: "9.9.9" } };
  const held = createServer();
  await new Promise<void>((resolve) => held.listen(0, "127.0.0.1", resolve));
  const { port } = held.address() as { port: number };
  try {
    await writeFile(join(root, "api.json"), JSON.stringify({ apiUrl: daemon.url, httpPort: port }));
    const { stdout } = await run(["doctor", "--json"], { BLOOM_HOME: root });
    const { checks } = JSON.parse(stdout) as Report;
    const find = (name: string): string | undefined => checks.find((one) => one.name === name)?.found;
    expect(find("daemon")).toContain("9.9.9");
    expect(find("HTTP port")).toBe(`${port}, held by the daemon`);
  } finally {
    await daemon.close();
    await new Promise((resolve) => held.close(resolve));
  }
});
