import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { isRoot, makeApp, openBuilder, type BuilderBench } from "../builder-bench.js";
import { findShim, makeConfig, uploadFiles } from "../helpers.js";
import { makeLockfile, makeProgram } from "./registry.js";

const few = 'serde_json = "1"\nhttpdate = "1"\n';
const many = `${few}serde = { version = "1", features = ["derive"] }\nhyper = { version = "1", features = ["server", "http1"] }\ntokio = { version = "1", features = ["rt", "net"] }\n`;

const locks = { few: lockOf(few), many: lockOf(many) };

function lockOf(dependencies: string): string | null {
  return findShim() === null ? null : makeLockfile(makeProgram("app", dependencies));
}

/** The source of a program with its lockfile. */
function programOf(name: string, set: "few" | "many", word = name): Record<string, string> {
  const lock = (locks[set] ?? "").replace('name = "app"', `name = "${name}"`);
  return { ...makeProgram(name, set === "few" ? few : many, word), "Cargo.lock": lock };
}

function run(bench: BuilderBench, digest: string, name: string): string {
  return execFileSync(join(bench.artifacts.pathOf(digest), "target/release", name), { encoding: "utf8" });
}

describe.skipIf(locks.few === null || locks.many === null)("shared dependencies", () => {
  it.runIf(isRoot)(
    "are compiled once, for apps that cannot touch each other's",
    { timeout: 300_000 },
    async () => {
      const bench = await openBuilder({ network: "host", timeLimitSeconds: 250 });
      const began = performance.now();
      const first = await bench.build(await uploadFiles(bench.sources, programOf("one", "many")), {
        app: makeApp("app-1st"),
      });
      const firstMs = performance.now() - began;
      expect(first.stats).toMatchObject({ fresh: 0 });
      expect(first.stats.compiled).toBeGreaterThan(20);
      expect(run(bench, first.artifact.digest, "one")).toBe('"one"\n');
      const titles = first.events.flatMap((event) => (event.type === "phase" ? [event.detail ?? ""] : []));
      expect(titles[1]).toMatch(/^dependencies: cargo build/);
      const template = describeTemplate(bench);

      // What it can reach it may break, for itself alone.
      const evil = [
        "cargo build --release --locked",
        'for file in target/release/deps/libserde_json-*.rlib; do echo evil > "$file"; done',
        "rm -rf target/release/.fingerprint/httpdate-* target/release/deps/libhyper-*",
      ];
      const tampered = await bench.build(await uploadFiles(bench.sources, programOf("two", "many")), {
        app: makeApp("app-2nd"),
        config: makeConfig({ hook: evil.join("\n") }),
      });
      expect(tampered.stats).toMatchObject({ compiled: 1 });
      expect(describeTemplate(bench)).toEqual(template);

      const again = performance.now();
      const third = await bench.build(await uploadFiles(bench.sources, programOf("one", "many", "other")), {
        app: makeApp("app-3rd"),
      });
      const ratio = (performance.now() - again) / firstMs;
      expect(third.stats).toMatchObject({ compiled: 1, fresh: first.stats.compiled - 1 });
      // The very name of the first app: its finished build must not be taken for this one's.
      expect(run(bench, third.artifact.digest, "one")).toBe('"other"\n');
      expect(ratio).toBeLessThan(0.15);

      expect(describeTemplate(bench)).toEqual(template);
    },
  );

  it.runIf(isRoot)("serve an app that has more of them, and none that lacks one", async () => {
    const bench = await openBuilder({ network: "host" });
    const base = await bench.build(await uploadFiles(bench.sources, programOf("base", "few")), {
      app: makeApp("app-base"),
    });
    const more = programOf("more", "few");
    const app = makeApp("app-more");
    const extra = `${few}cfg-if = "1"\n`;
    const lock = makeLockfile(makeProgram("more", extra)) ?? "";
    const superset = await bench.build(
      await uploadFiles(bench.sources, { ...more, ...makeProgram("more", extra), "Cargo.lock": lock }),
      { app },
    );
    expect(superset.stats).toMatchObject({ compiled: 2, fresh: base.stats.compiled - 1 });
    // Cargo can also make again what the template has.
    const hook = "rm -rf target/release/.fingerprint/httpdate-*\n";
    const files = { ...more, ...makeProgram("more", extra, "again"), "Cargo.lock": lock };
    const again = await bench.build(await uploadFiles(bench.sources, files), {
      app,
      config: makeConfig({ hook: `${hook}cargo build --release --locked` }),
    });
    expect(again.stats).toMatchObject({ compiled: 2, fresh: base.stats.compiled - 1 });
    expect(run(bench, again.artifact.digest, "more")).toBe('"again"\n');

    const lacking = 'serde_json = "1"\ncfg-if = "1"\n';
    const other = makeProgram("less", lacking);
    const none = await bench.build(
      await uploadFiles(bench.sources, { ...other, "Cargo.lock": makeLockfile(other) ?? "" }),
      { app: makeApp("app-less") },
    );
    expect(none.stats).toMatchObject({ fresh: 0 });
    expect(run(bench, none.artifact.digest, "less")).toBe('"less"\n');
  });

  it.runIf(isRoot)("are made once when two builds want them", async () => {
    const bench = await openBuilder({ network: "host" });
    const results = await Promise.all(
      ["left", "right"].map(async (name) =>
        bench.build(await uploadFiles(bench.sources, programOf(name, "few")), {
          app: makeApp(`app-${name}`),
        }),
      ),
    );
    expect(results.filter((one) => one.stats.fresh === 0)).toHaveLength(1);
    expect(await bench.templates.store.list()).toHaveLength(1);
  });

  it.runIf(isRoot)("are left half made by nobody who is cancelled meanwhile", async () => {
    const bench = await openBuilder({ network: "host" });
    const stop = new AbortController();
    const app = makeApp("app-stop");
    const tree = await uploadFiles(bench.sources, programOf("stop", "few"));
    const cancelled = bench.build(tree, {
      app,
      signal: stop.signal,
      onEvent(event) {
        if (event.type === "phase" && event.detail?.startsWith("dependencies: cargo build") === true)
          stop.abort();
      },
    });
    await expect(cancelled).rejects.toMatchObject({ code: "ERR_BUILD_CANCELLED" });
    expect(await bench.templates.store.list()).toEqual([]);
    expect(readdirSync(join(bench.home, "build-cache/templates/.job"))).not.toContain("app");
    const again = await bench.build(tree, { app });
    expect(again.stats).toMatchObject({ fresh: 0 });
    expect(run(bench, again.artifact.digest, "stop")).toBe('"stop"\n');
  });

  it.runIf(isRoot)("give way to a plain folder when a hook removes its target", async () => {
    const bench = await openBuilder({ network: "host" });
    const app = makeApp("app-gone");
    const hook =
      "set -e\ncargo build --release --locked\nmkdir -p bin\ncp target/release/gone bin/\n./clean.sh";
    const files = { ...programOf("gone", "few"), "!clean.sh": "#!/bin/sh\nrm -rf /app/target\n" };
    const { artifact } = await bench.build(await uploadFiles(bench.sources, files), {
      app,
      config: makeConfig({ hook }),
    });
    const binary = join(bench.artifacts.pathOf(artifact.digest), "bin/gone");
    expect(execFileSync(binary, { encoding: "utf8" })).toBe('"gone"\n');
    expect(readdirSync(bench.artifacts.pathOf(artifact.digest))).not.toContain("target");
  });

  it("are copied where nothing can be laid over another", async () => {
    const bench = await openBuilder({ asRoot: false });
    await bench.build(await uploadFiles(bench.sources, programOf("one", "few")), { app: makeApp("app-1st") });
    const app = makeApp("app-2nd");
    const second = await bench.build(await uploadFiles(bench.sources, programOf("two", "few")), { app });
    expect(second.stats).toMatchObject({ compiled: 1 });
    expect(run(bench, second.artifact.digest, "two")).toBe('"two"\n');
    const edited = await bench.build(await uploadFiles(bench.sources, programOf("two", "few", "new")), {
      app,
    });
    expect(edited.stats).toMatchObject({ compiled: 1 });
    expect(run(bench, edited.artifact.digest, "two")).toBe('"new"\n');
  });

  it.runIf(isRoot)("are copied where the kernel refuses to lay them", async () => {
    const bench = await openBuilder({ network: "host" });
    const [cache, aside] = [join(bench.home, "build-cache"), join(bench.home, "aside")];
    for (const name of ["lower", "upper", "work"]) mkdirSync(join(aside, name), { recursive: true });
    const folders = `lowerdir=${aside}/lower,upperdir=${aside}/upper,workdir=${aside}/work`;
    // An overlay cannot be the upper layer of another.
    execFileSync("mount", ["-t", "overlay", "-o", folders, "overlay", cache]);
    onTestFinished(() => void execFileSync("umount", ["-l", cache]));
    const first = await bench.build(await uploadFiles(bench.sources, programOf("one", "few")), {
      app: makeApp("app-1st"),
    });
    expect(run(bench, first.artifact.digest, "one")).toBe('"one"\n');
    expect(await readFile(join(bench.home, "log/app-1st.log"), "utf8")).toContain("it is copied");
    const second = await bench.build(await uploadFiles(bench.sources, programOf("two", "few")), {
      app: makeApp("app-2nd"),
    });
    expect(second.stats).toMatchObject({ compiled: 1 });
    expect(await readFile(join(bench.home, "log/app-2nd.log"), "utf8")).not.toContain("it is copied");
    expect(run(bench, second.artifact.digest, "two")).toBe('"two"\n');
  });

  it("that cannot be compiled apart are compiled with the app", async () => {
    const bench = await openBuilder({ asRoot: false });
    // A lockfile that does not fit its manifest fails in the job, and then for the app with cargo's words.
    const files = programOf("odd", "few");
    const lock = (files["Cargo.lock"] ?? "").replace(/\n\[\[package\]\]\nname = "httpdate"[^[]*/, "\n");
    await expect(
      bench.build(await uploadFiles(bench.sources, { ...files, "Cargo.lock": lock }), {
        app: makeApp("app-odd"),
      }),
    ).rejects.toMatchObject({ code: "ERR_BUILD_FAILED" });
    const log = await readFile(join(bench.home, "log/app-odd.log"), "utf8");
    expect(log).toContain("The dependencies could not be compiled apart from the app");
    const whole = await bench.build(await uploadFiles(bench.sources, files), { app: makeApp("app-odd") });
    expect(run(bench, whole.artifact.digest, "odd")).toBe('"odd"\n');
  });
});

/** Path, owner, mode and content of everything in the one template. */
function describeTemplate({ home }: BuilderBench): string[] {
  const root = join(home, "build-cache/templates");
  const [key, ...more] = readdirSync(root).filter((name) => /^[0-9a-f]{64}$/.test(name));
  expect(more).toEqual([]);
  expect(lstatSync(root).mode & 0o777).toBe(0o700);
  const lines: string[] = [];
  const visit = (path: string): void => {
    const stat = lstatSync(path);
    const content = stat.isFile()
      ? createHash("sha256").update(readFileSync(path)).digest("hex")
      : stat.isSymbolicLink()
        ? readlinkSync(path)
        : "";
    lines.push(`${path} ${stat.uid} ${stat.mode.toString(8)} ${stat.mtimeMs} ${content}`);
    if (stat.isDirectory()) for (const name of readdirSync(path)) visit(join(path, name));
  };
  visit(join(root, key ?? "", "target"));
  return lines;
}
