import { existsSync } from "node:fs";
import { lstat, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import { describe, expect, it, onTestFinished } from "vitest";
import { findMarked, isRoot, makeMark, openBuilder, type BuilderBench } from "./builder-bench.js";
import { copyFixture, findShim, makeConfig, makeFolder, readTree, uploadFolder } from "./helpers.js";

async function listen(server: Server, place: number | string): Promise<number> {
  await new Promise<void>((resolve) =>
    typeof place === "number" ? server.listen(place, "127.0.0.1", resolve) : server.listen(place, resolve),
  );
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Runs the hostile fixture and gives back what it wrote about each attempt. */
async function probe(
  bench: BuilderBench,
  hook: string | null,
): Promise<{ report: Map<string, string>; mark: string; touched: () => number }> {
  let connections = 0;
  const count = (): Server => createServer((socket) => void (connections++, socket.destroy()));
  const port = await listen(count(), 0);
  const abstract = `bloomery-test-${makeMark()}`;
  await listen(count(), `\0${abstract}`);
  const other = await makeFolder(bench.home, "build-cache/app-2/app");
  await writeFile(join(other, "secret.rs"), "secret");
  const mark = makeMark();
  const tree = await uploadFolder(bench.sources, await copyFixture("hostile-build"));
  const { artifact } = await bench.build(tree, {
    config: makeConfig({ hook }),
    variables: {
      PROBE_HOME: bench.home,
      PROBE_OTHER: other,
      PROBE_PORT: String(port),
      PROBE_ABSTRACT: abstract,
      PROBE_MARK: mark,
    },
  });
  const text = await readFile(join(bench.artifacts.pathOf(artifact.digest), "report.txt"), "utf8");
  const lines = text
    .trim()
    .split("\n")
    .map((line) => line.split(/: (.*)/s));
  return {
    report: new Map(lines.map(([name, result]) => [name ?? "", result ?? ""])),
    mark,
    touched: () => connections,
  };
}

const attempts = [
  "read /etc/shadow",
  "list /root",
  "list the platform's home",
  "list another app's folder",
  "read process 1 of the host",
  "connect to loopback",
  "connect to an abstract socket",
  "write to the toolchain",
  "write to /usr",
  "write to /etc",
  "mount",
  "make a user namespace",
  "become root",
];

describe.skipIf(findShim() === null)("a hostile build script", () => {
  it("is refused everything while cargo compiles, and leaves no process", async () => {
    const bench = await openBuilder();
    const { report, mark, touched } = await probe(bench, null);
    for (const name of [...attempts, "write to downloaded crates"]) {
      expect([name, report.get(name)]).toEqual([name, expect.stringMatching(/^denied /)]);
    }
    expect(report.get("leave a process behind")).toBe("ALLOWED started");
    expect(findMarked(mark)).toEqual([]);
    expect(touched()).toBe(0);
  });

  it.runIf(isRoot)("is refused everything in a hook, too, although hooks have network", async () => {
    const bench = await openBuilder();
    const { report, mark, touched } = await probe(bench, "cargo build");
    for (const name of attempts)
      expect([name, report.get(name)]).toEqual([name, expect.stringMatching(/^denied /)]);
    expect(findMarked(mark)).toEqual([]);
    expect(touched()).toBe(0);
  });

  it.each(["link", "fifo"])("cannot smuggle a %s into an artifact", async (trap) => {
    const bench = await openBuilder();
    const tree = await uploadFolder(bench.sources, await copyFixture("hostile-build"));
    await expect(
      bench.build(tree, { variables: { PROBE_PLANT: "1", PROBE_TRAP: trap } }),
    ).rejects.toMatchObject({
      code: "ERR_BUILD_OUTPUT_UNSAFE",
      details: { path: trap === "link" ? "target/shadow" : "target/pipe" },
    });
    expect(await bench.artifacts.list()).toEqual([]);
    // The next build of the same app is not held up by what this one left.
    const next = await bench.build(tree, {
      variables: { PROBE_PLANT: "1", PROBE_TRAP: "" },
      config: makeConfig({ hook: "rm -rf target && cargo build" }),
    });
    const setuid = await lstat(join(bench.artifacts.pathOf(next.artifact.digest), "setuid"));
    expect(setuid.mode & 0o7777).toBe(0o755);
  });

  it("cannot make devices, and a planted link is replaced by the next source", async () => {
    const bench = await openBuilder();
    const source = await copyFixture("hostile-build");
    const tree = await uploadFolder(bench.sources, source);
    const { artifact } = await bench.build(tree, { variables: { PROBE_PLANT: "1", PROBE_TRAP: "device" } });
    const report = await readFile(join(bench.artifacts.pathOf(artifact.digest), "report.txt"), "utf8");
    expect(report).toContain("not permitted");

    const planted = bench.build(tree, { variables: { PROBE_PLANT: "1", PROBE_TRAP: "src" } });
    await expect(planted).rejects.toMatchObject({
      code: "ERR_BUILD_OUTPUT_UNSAFE",
      details: { path: "static" },
    });
    await writeFile(join(source, "static/passwd"), "from the source");
    const clean = await bench.build(await uploadFolder(bench.sources, source), {
      config: makeConfig({ hook: "true" }),
    });
    const files = await readTree(bench.artifacts.pathOf(clean.artifact.digest));
    expect(files).toMatchObject({
      "static/index.html": "<p>harmless</p>\n",
      "static/passwd": "from the source",
    });
    expect(await readFile("/etc/passwd", "utf8")).toContain("root:x:0:0");
    expect(existsSync("/etc/index.html")).toBe(false);
  });
});

describe.skipIf(findShim() === null)("ending a build that hangs", () => {
  const start = async (
    bench: BuilderBench,
    signal?: AbortSignal,
  ): Promise<{ mark: string; started: Promise<void>; done: Promise<unknown> }> => {
    const mark = makeMark();
    const tree = await uploadFolder(bench.sources, await copyFixture("build-hangs"));
    const done = bench
      .build(tree, { variables: { HANG_MARK: mark }, ...(signal === undefined ? {} : { signal }) })
      .then(
        () => "built",
        (error: unknown) => error,
      );
    const started = (async () => {
      while (!existsSync(join(bench.work, "started")))
        await new Promise((resolve) => setTimeout(resolve, 20));
    })();
    return { mark, started, done };
  };

  it("kills the whole tree when it is cancelled", async () => {
    const bench = await openBuilder();
    const abort = new AbortController();
    const { mark, started, done } = await start(bench, abort.signal);
    await started;
    expect(findMarked(mark)).not.toEqual([]);
    abort.abort();
    abort.abort();
    const error = await done;
    expect(error).toBeInstanceOf(BloomError);
    expect(error).toMatchObject({ code: "ERR_BUILD_CANCELLED" });
    expect(findMarked(mark)).toEqual([]);
    for (const group of bench.cgroups) expect(existsSync(group.path)).toBe(false);
    // The app can be built again at once.
    const config = makeConfig({ hook: "echo fine" });
    const tree = await uploadFolder(bench.sources, await copyFixture("build-fails"));
    expect(await bench.build(tree, { config })).toMatchObject({ reused: false });
  });

  it("kills the whole tree at the time limit", async () => {
    const bench = await openBuilder({ timeLimitSeconds: 5 });
    const { mark, started, done } = await start(bench);
    await started;
    expect(await done).toMatchObject({
      code: "ERR_BUILD_TIMEOUT",
      message: expect.stringContaining("5 s") as string,
    });
    expect(findMarked(mark)).toEqual([]);
    expect(await readFile(bench.logFile, "utf8")).toContain("build ended: the build ran longer than 5 s");
  });

  it("does not begin when it was cancelled before", async () => {
    const bench = await openBuilder();
    const { done } = await start(bench, AbortSignal.abort());
    expect(await done).toMatchObject({ code: "ERR_BUILD_CANCELLED" });
    expect(existsSync(bench.work)).toBe(false);
  });

  it("leaves nothing whatever the moment of the cancel", async () => {
    const bench = await openBuilder();
    for (const delay of [0, 2, 5, 10, 20, 40, 80, 160]) {
      const abort = new AbortController();
      const { mark, done } = await start(bench, abort.signal);
      setTimeout(() => abort.abort(), delay);
      expect(await done).toMatchObject({ code: "ERR_BUILD_CANCELLED" });
      expect(findMarked(mark)).toEqual([]);
      expect(findMarked(bench.home)).toEqual([]);
    }
  });
});
