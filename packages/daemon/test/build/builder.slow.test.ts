import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { lstat, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isRoot, openBuilder } from "./builder-bench.js";
import {
  copyFixture,
  fileEntry,
  findShim,
  makeConfig,
  readTree,
  uploadFiles,
  uploadFolder,
} from "./helpers.js";

const app = {
  "Cargo.toml":
    '[package]\nname = "probe"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\npart = { path = "part" }\n',
  "src/main.rs": 'fn main() { println!("{}", part::word()); }\n',
  "part/Cargo.toml": '[package]\nname = "part"\nversion = "0.1.0"\nedition = "2021"\n',
  "part/src/lib.rs": 'pub fn word() -> &\'static str { "one" }\n',
};

describe.skipIf(findShim() === null).each([
  ["as root", true],
  ["without root", false],
])("the builder %s", (_, asRoot) => {
  it.skipIf(asRoot && !isRoot)("builds, builds only what changed, and says why", async () => {
    const bench = await openBuilder({ asRoot });
    const first = await bench.build(await uploadFiles(bench.sources, app));
    expect(first).toMatchObject({ reused: false, warnings: [] });
    expect(first.stats).toMatchObject({ units: 2, compiled: 2, fresh: 0, rebuilt: [] });
    const binary = join(bench.artifacts.pathOf(first.artifact.digest), "target/release/probe");
    expect(execFileSync(binary, { encoding: "utf8" })).toBe("one\n");
    expect(first.events.filter((event) => event.type === "phase").map((event) => event.phase)).toEqual([
      "compile",
      "collect",
    ]);
    expect(first.events).toContainEqual(expect.objectContaining({ type: "progress", total: 2 }));
    expect(Object.keys(await readTree(bench.artifacts.pathOf(first.artifact.digest)))).not.toContainEqual(
      expect.stringMatching(/deps|fingerprint|incremental|\.bloomery/),
    );
    await bench.artifacts.verify(first.artifact.digest);

    const edited = { ...app, "src/main.rs": 'fn main() { println!("{}!", part::word()); }\n' };
    const second = await bench.build(await uploadFiles(bench.sources, edited));
    expect(second.stats).toMatchObject({
      compiled: 1,
      fresh: 1,
      rebuilt: [{ crate: "probe", reason: expect.stringContaining("`src/main.rs` has changed") as string }],
    });
    expect(second.artifact.digest).not.toBe(first.artifact.digest);
    const log = await readFile(bench.logFile, "utf8");
    expect(log).toContain("Dirty probe");
    expect(log).not.toContain("Building [");

    // An untracked file of the source that cargo does not look at: nothing is compiled, yet the artifact differs.
    const third = await bench.build(
      await uploadFiles(bench.sources, { ...edited, "static/index.html": "<p>" }),
    );
    expect(third.stats).toMatchObject({ compiled: 0, fresh: 2 });
    expect(third.artifact.digest).not.toBe(second.artifact.digest);

    const again = await bench.build(await uploadFiles(bench.sources, app));
    expect(again).toMatchObject({ reused: true, artifact: first.artifact, stats: { compiled: 0 } });
    expect(again.events).toEqual([]);
    if (bench.uid !== null) expect((await lstat(join(bench.work, "src/main.rs"))).uid).toBe(bench.uid);
    expect((await lstat(binary)).uid).toBe(process.getuid?.());
  });

  it.skipIf(asRoot && !isRoot)(
    "runs a hook as one script and keeps target/debug where the start command looks",
    async () => {
      const bench = await openBuilder({ asRoot });
      const hook =
        'set -e\nword="two words"\ncargo build\necho "$PWD $HOME $CI $word $EXTRA"\necho x >> "$PLATFORM_CACHE_DIR/count"; wc -l < "$PLATFORM_CACHE_DIR/count"';
      const config = makeConfig({ hook });
      const { artifact } = await bench.build(await uploadFiles(bench.sources, app), {
        config,
        variables: { EXTRA: "extra" },
      });
      const binary = join(bench.artifacts.pathOf(artifact.digest), "target/debug/probe");
      expect(execFileSync(binary, { encoding: "utf8" })).toBe("one\n");
      const log = await readFile(bench.logFile, "utf8");
      expect(log).toContain("/app /home/build 1 two words extra\n1\n");
      // Another variable is another build; the cache is still there.
      const second = await bench.build(await uploadFiles(bench.sources, app), {
        config,
        variables: { EXTRA: "more" },
      });
      expect(second).toMatchObject({ reused: false, stats: { compiled: 0, fresh: 2 } });
      expect(await readFile(bench.logFile, "utf8")).toContain("two words more\n2\n");
    },
  );
});

describe.skipIf(findShim() === null)("a build that goes wrong", () => {
  it("fails with cargo's words", async () => {
    const bench = await openBuilder();
    const tree = await uploadFolder(bench.sources, await copyFixture("build-fails"));
    const failure = await bench.build(tree).then(
      () => null,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: "ERR_BUILD_FAILED", details: { exitCode: 101 } });
    const tail = (failure as { details: { tail: string[] } }).details.tail.join("\n");
    expect(tail).toContain("mismatched types");
    expect(tail).not.toContain("--crate-name");
    expect(await bench.artifacts.list()).toEqual([]);
  });

  it("gives a hook's own exit code, and does not run on after a failed line of `set -e`", async () => {
    const bench = await openBuilder();
    const tree = await uploadFiles(bench.sources, app);
    const config = makeConfig({ hook: "set -e\necho before\nfalse\necho after" });
    await expect(bench.build(tree, { config })).rejects.toMatchObject({
      code: "ERR_BUILD_FAILED",
      message: "the compile step ended with exit code 1",
      details: { tail: ["$ set -e …", "before"] },
    });
    await expect(
      bench.build(tree, { config: makeConfig({ hook: "no-such-command" }) }),
    ).rejects.toMatchObject({
      details: { exitCode: 127 },
    });
  });

  it("bounds a log of 100 MB and still ends well", async () => {
    const bench = await openBuilder();
    const tree = await uploadFiles(bench.sources, { "a.txt": "a" });
    const hook = "yes 'a line that says nothing' | head -c 100000000; echo; echo the end";
    const { events } = await bench.build(tree, { config: makeConfig({ hook }) });
    const log = await readFile(bench.logFile, "utf8");
    expect(log.length).toBeLessThan(11_000_000);
    expect(log).toMatch(/… \d+ lines \(\d+ bytes\) left out …/);
    expect(log.slice(-200)).toContain("\nthe end\n");
    expect(events.filter((event) => event.type === "log").length).toBeLessThan(300_000);
  });

  it.runIf(isRoot)("says so when memory ran out", async ({ skip }) => {
    const bench = await openBuilder({ memoryBytes: 200 * 1024 ** 2 });
    if (!bench.cgroups.some((group) => group.path.includes("memory"))) skip();
    const tree = await uploadFiles(bench.sources, { "a.txt": "a" });
    const config = makeConfig({ hook: "head -c 600000000 /dev/zero | tail > /dev/null" });
    await expect(bench.build(tree, { config })).rejects.toMatchObject({
      code: "ERR_BUILD_FAILED",
      message: expect.stringContaining("memory limit") as string,
      details: { oom: true },
    });
    for (const group of bench.cgroups)
      await expect(lstat(group.path)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("says when the sandbox cannot be made", async () => {
    const bench = await openBuilder({ bwrap: "/nonexistent/bwrap" });
    const tree = await uploadFiles(bench.sources, app);
    await expect(bench.build(tree)).rejects.toMatchObject({
      code: "ERR_SANDBOX_UNAVAILABLE",
      message: expect.stringContaining("/nonexistent/bwrap") as string,
    });
  });

  it("warns about a toolchain that cannot be had, and builds", async () => {
    const bench = await openBuilder();
    const tree = await uploadFiles(bench.sources, app);
    const config = {
      ...makeConfig({ hook: "true" }),
      toolchain: { channel: "1.999", source: "type" },
    } as const;
    const { warnings, events } = await bench.build(tree, { config });
    const message = expect.stringMatching(/Rust 1\.999 .* building with 1\./) as string;
    expect(warnings).toEqual([message]);
    expect(events[0]).toEqual({ type: "warning", message });
  });

  it("refuses a tree whose files have not all arrived", async () => {
    const bench = await openBuilder();
    const { tree } = await bench.sources.planUpload([fileEntry("Cargo.toml", "never sent")]);
    await expect(bench.build(tree)).rejects.toMatchObject({ code: "ERR_SOURCE_INCOMPLETE" });
  });
});

describe.skipIf(findShim() === null)("dependencies", () => {
  const hasNetwork = isRegistryReachable();

  it.skipIf(!hasNetwork)(
    "are fetched without the project's code, and only when manifests change",
    async () => {
      // Without root the build shares the host's network, which is how it gets out here.
      const bench = await openBuilder({ asRoot: false });
      const files = {
        "Cargo.toml":
          '[package]\nname = "probe"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nitoa = "1"\n',
        "src/main.rs": 'fn main() { println!("{}", itoa::Buffer::new().format(7)); }\n',
        ".cargo/config.toml": '[build]\nrustc-wrapper = "/app/wrapper.sh"\n',
        "!wrapper.sh":
          '#!/bin/sh\nls /sys/class/net > /app/wrapper-ran 2>&1; cat /proc/net/dev >> /app/wrapper-ran; exec "$@"\n',
      };
      const first = await bench.build(await uploadFiles(bench.sources, files));
      const phases = (events: typeof first.events): string[] =>
        events.flatMap((event) => (event.type === "phase" ? [event.phase] : []));
      expect(phases(first.events)).toEqual(["fetch", "compile", "collect"]);
      expect(first.stats).toMatchObject({ units: 2, compiled: 2 });
      const root = bench.artifacts.pathOf(first.artifact.digest);
      expect(execFileSync(join(root, "target/release/probe"), { encoding: "utf8" })).toBe("7\n");
      const built = await readTree(root);
      expect(built["Cargo.lock"]).toContain('name = "itoa"');
      // The wrapper ran while compiling, where there is no interface but loopback, and never while fetching.
      expect(built["wrapper-ran"]).toContain("lo:");
      expect(built["wrapper-ran"]).not.toMatch(/eth|ens|enp|veth/);

      const edited = {
        ...files,
        "src/main.rs": 'fn main() { println!("{}!", itoa::Buffer::new().format(7)); }\n',
      };
      const second = await bench.build(await uploadFiles(bench.sources, edited));
      expect(phases(second.events)).toEqual(["compile", "collect"]);
      expect(second.stats).toMatchObject({ compiled: 1, fresh: 1 });

      const lockfile = built["Cargo.lock"] ?? "";
      const locked = await bench.build(
        await uploadFiles(bench.sources, { ...edited, "Cargo.lock": lockfile }),
      );
      expect(phases(locked.events)).toEqual(["fetch", "compile", "collect"]);
      expect(locked.stats).toMatchObject({ compiled: 0, fresh: 2 });
      const stale = { ...edited, "Cargo.lock": lockfile.replaceAll("itoa", "itoo") };
      await expect(bench.build(await uploadFiles(bench.sources, stale))).rejects.toMatchObject({
        code: "ERR_BUILD_FAILED",
        message: expect.stringContaining("fetch step") as string,
      });
    },
  );
});

/** One ordinary `cargo fetch`, so that the test is skipped where the machine has no way out. */
function isRegistryReachable(): boolean {
  const manifest =
    '[package]\nname = "x"\nversion = "0.1.0"\nedition = "2021"\n[lib]\npath = "x.rs"\n[dependencies]\nitoa = "1"\n';
  const dir = mkdtempSync(join(tmpdir(), "bloomery-fetch-"));
  try {
    writeFileSync(join(dir, "Cargo.toml"), manifest);
    writeFileSync(join(dir, "x.rs"), "");
    execFileSync("cargo", ["fetch"], { cwd: dir, stdio: "ignore", timeout: 20_000 });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(dir, { recursive: true });
  }
}
