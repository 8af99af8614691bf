import { completeConfig, execSpec, type AppConfig } from "@bloomery/contract";
import { describe, expect, it } from "vitest";
import { planBuildFolders } from "../../src/build/build-folders.js";
import { needsNetwork, planBuild, type BuildWish } from "../../src/build/plan-build.js";
import { makeConfig } from "./helpers.js";

function plan(change: Partial<BuildWish> = {}): ReturnType<typeof planBuild> {
  return planBuild({
    config: makeConfig(),
    id: "bld-1",
    tree: "a".repeat(64),
    folders: planBuildFolders("/home/cache", "app-1"),
    bwrap: "/usr/bin/bwrap",
    toolchainDir: "/root/.rustup/toolchains/stable",
    user: { uid: 1_900_000_001, gid: 1_900_000_001 },
    netns: "/run/netns/bl-b1",
    cgroups: [],
    tmpBytes: 1000,
    variables: {},
    targetLayer: null,
    sdk: null,
    facts: { hasLockfile: true, needsFetch: true },
    ...change,
  });
}

const commandOf = (step: ReturnType<typeof planBuild>[number] | undefined): string[] => {
  const command = step?.spec.command ?? [];
  return command.slice(command.indexOf("--") + 1);
};

function withCargo(change: Partial<AppConfig["build"]["cargo"]>): AppConfig {
  const config = makeConfig();
  return { ...config, build: { ...config.build, cargo: { ...config.build.cargo, ...change } } };
}

describe("the steps of a build", () => {
  it("fetches with network and without code, compiles with code and without network", () => {
    const [fetch, compile, ...more] = plan();
    expect(more).toEqual([]);
    expect(commandOf(fetch)).toEqual(["cargo", "fetch", "--locked"]);
    expect(commandOf(compile)).toEqual(["cargo", "build", "--release", "--locked", "--offline"]);
    expect([fetch?.phase, compile?.phase]).toEqual(["fetch", "compile"]);
    expect([fetch?.spec.netns, compile?.spec.netns]).toEqual(["/run/netns/bl-b1", null]);
    expect(fetch?.spec.command).not.toContain("--unshare-net");
    expect(compile?.spec.command).toContain("--unshare-net");
    expect([fetch?.spec.env["CARGO_NET_OFFLINE"], compile?.spec.env["CARGO_NET_OFFLINE"]]).toEqual([
      undefined,
      "true",
    ]);
    const sourceOfApp = (step: typeof fetch): unknown =>
      step?.spec.stage?.mounts.find((mount) => mount.name === "app");
    expect(sourceOfApp(fetch)).toEqual({ name: "app", source: "/home/cache/app-1/fetch" });
    expect(sourceOfApp(compile)).toEqual({ name: "app", source: "/home/cache/app-1/app" });
  });

  it("is one step for a hook, whole and unchanged, with network", () => {
    const hook = 'set -e\ncargo build\necho "it\'s done"';
    const steps = plan({ config: makeConfig({ hook }) });
    expect(steps).toHaveLength(1);
    expect(commandOf(steps[0])).toEqual(["/bin/sh", "-c", hook]);
    expect(steps[0]?.spec.command).not.toContain("--unshare-net");
    expect(steps[0]?.title).toBe("set -e …");
  });

  it.each([
    [
      "no lockfile",
      { facts: { hasLockfile: false, needsFetch: true } },
      ["cargo fetch", "cargo build --release --offline"],
    ],
    [
      "no dependencies",
      { facts: { hasLockfile: false, needsFetch: false } },
      ["cargo build --release --offline"],
    ],
    [
      "all choices",
      {
        facts: { hasLockfile: false, needsFetch: false },
        config: withCargo({
          profile: "dev",
          features: ["a", "b/c"],
          package: "p",
          bin: "q",
          target: "x86_64-unknown-linux-musl",
        }),
      },
      [
        "cargo build --profile=dev --features=a,b/c --package=p --bin=q --target=x86_64-unknown-linux-musl --offline",
      ],
    ],
    [
      "a name that looks like a flag",
      {
        facts: { hasLockfile: false, needsFetch: false },
        config: withCargo({ package: "--config=x" }),
      },
      ["cargo build --release --package=--config=x --offline"],
    ],
  ])("calls cargo right with %s", (_, change, commands) => {
    expect(plan(change).map((step) => commandOf(step).join(" "))).toEqual(commands);
  });

  it.each([
    [null, true, true],
    [null, false, false],
    ["cargo build", false, true],
  ])("knows whether it needs the network (hook %j, fetch %j)", (hook, needsFetch, expected) => {
    expect(needsNetwork(makeConfig({ hook }), { hasLockfile: true, needsFetch })).toBe(expected);
  });
});

describe("the sandbox of a build", () => {
  it("is a valid specification for the shim", () => {
    for (const step of plan()) expect(execSpec.parse(step.spec)).toEqual(step.spec);
  });

  it("shows the app's own folders and nothing else of the host", () => {
    const { spec } = plan({ config: makeConfig({ hook: "true" }) })[0] ?? { spec: null };
    const command = spec?.command ?? [];
    const options = command.slice(0, command.indexOf("--"));
    const binds = options.flatMap((word, index) =>
      word.includes("bind") ? [options.slice(index, index + 3).join(" ")] : [],
    );
    expect(binds).toEqual([
      "--ro-bind /usr /usr",
      "--ro-bind-try /etc/alternatives /etc/alternatives",
      "--ro-bind-try /etc/ld.so.cache /etc/ld.so.cache",
      "--ro-bind-try /etc/ssl /etc/ssl",
      "--ro-bind-try /etc/ca-certificates /etc/ca-certificates",
      "--ro-bind /mnt/etc/passwd /etc/passwd",
      "--ro-bind /mnt/etc/group /etc/group",
      "--ro-bind /mnt/etc/hosts /etc/hosts",
      "--ro-bind /mnt/etc/resolv.conf /etc/resolv.conf",
      "--ro-bind /mnt/etc/nsswitch.conf /etc/nsswitch.conf",
      "--bind /mnt/app /app",
      "--bind /mnt/home /home/build",
      "--bind /mnt/registry /home/build/.cargo/registry",
      "--bind /mnt/git /home/build/.cargo/git",
      "--ro-bind /mnt/rust /rust",
    ]);
    expect(options).toEqual(
      expect.arrayContaining(["--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-ipc"]),
    );
    expect(spec).toMatchObject({ user: { uid: 1_900_000_001 }, nice: 10, seccomp: true, sandbox: "bwrap" });
  });

  it("binds sources directly without root, and takes the system's cargo where there is no toolchain folder", () => {
    const compile = plan({ user: null, netns: null, toolchainDir: null }).at(-1);
    expect(compile?.spec.stage).toBeNull();
    expect(compile?.spec.user).toBeNull();
    expect(compile?.spec.command.join(" ")).toContain("--bind /home/cache/app-1/app /app");
    expect(compile?.spec.command).not.toContain("/rust");
    expect(compile?.spec.env["PATH"]).toBe("/home/build/.cargo/bin:/usr/local/bin:/usr/bin:/bin");
  });

  it("shows a function the platform's crates, read-only, and has its program where the platform looks", () => {
    const config = completeConfig({ name: "f", web: { start: "" }, function: {} });
    const sdk = { source: "/home/sdk/0a", target: "/sdk/0a" };
    for (const step of plan({ config, sdk })) {
      expect(step.spec.command.join(" ")).toContain("--ro-bind /mnt/sdk /sdk/0a");
      expect(step.spec.stage?.mounts).toContainEqual({ name: "sdk", source: "/home/sdk/0a" });
      expect(step.spec.env["CARGO_TARGET_DIR"]).toBe("/app/target");
    }
    const elsewhere = { ...config, variables: { CARGO_TARGET_DIR: "/tmp/x" } };
    expect(plan({ config: elsewhere, sdk })[1]?.spec.env["CARGO_TARGET_DIR"]).toBe("/app/target");
  });

  it("has downloaded crates read-only while the project's code runs without network", () => {
    const text = plan().at(-1)?.spec.command.join(" ");
    expect(text).toContain("--ro-bind /mnt/registry /home/build/.cargo/registry");
  });

  it("keeps the platform's variables from being overridden, and secrets out of the argument list", () => {
    const config = {
      ...makeConfig({ hook: "true" }),
      variables: { A: "manifest", B: "manifest", PATH: "/evil" },
    };
    const step = plan({
      config,
      variables: { B: "set", TOKEN: "s3cret", CARGO_TERM_VERBOSE: "false", HOME: "/evil" },
    })[0];
    expect(step?.spec.env).toMatchObject({
      A: "manifest",
      B: "set",
      TOKEN: "s3cret",
      CARGO_TERM_VERBOSE: "false",
      CI: "1",
      HOME: "/home/build",
      CARGO_HOME: "/home/build/.cargo",
      PATH: "/home/build/.cargo/bin:/rust/bin:/usr/local/bin:/usr/bin:/bin",
      PLATFORM_APP_DIR: "/app",
      PLATFORM_OUTPUT_DIR: "/app",
      PLATFORM_APPLICATION_NAME: "probe",
      PLATFORM_CACHE_DIR: "/home/build/cache",
      PLATFORM_TREE_ID: "a".repeat(64),
    });
    expect(step?.spec.env).not.toHaveProperty("RUSTUP_TOOLCHAIN");
    expect(step?.spec.env).not.toHaveProperty("PLATFORM_ENVIRONMENT");
    expect(step?.spec.command.join(" ")).not.toContain("s3cret");
  });
});
