import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openBuilder } from "./builder-bench.js";
import { findShim, makeConfig, readTree, uploadFiles } from "./helpers.js";

const app = {
  "Cargo.toml":
    '[package]\nname = "probe"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\npart = { path = "part" }\n',
  "src/main.rs": 'fn main() { println!("{}", part::word()); }\n',
  "part/Cargo.toml": '[package]\nname = "part"\nversion = "0.1.0"\nedition = "2021"\n',
  "part/src/lib.rs": 'pub fn word() -> &\'static str { "one" }\n',
};

describe.skipIf(findShim() === null)("a build of an app that wants more", () => {
  it("sees only the app's folder, and is not built anew for a change beside it", async () => {
    const bench = await openBuilder();
    const files = Object.fromEntries(Object.entries(app).map(([path, text]) => [`apps/web/${path}`, text]));
    const config = { ...makeConfig(), sourceRoot: "apps/web" };
    const tree = await uploadFiles(bench.sources, { ...files, "README.md": "one" });
    const first = await bench.build(tree, { config });
    const root = bench.artifacts.pathOf(first.artifact.digest);
    expect(execFileSync(join(root, "target/release/probe"), { encoding: "utf8" })).toBe("one\n");
    expect(Object.keys(await readTree(root))).not.toContain("README.md");
    const changed = await uploadFiles(bench.sources, { ...files, "README.md": "two" });
    expect(await bench.build(changed, { config })).toMatchObject({ reused: true, key: first.key });
  });

  it("has an empty folder for every mount, and another key", async () => {
    const bench = await openBuilder();
    const tree = await uploadFiles(bench.sources, { "a.txt": "a" });
    const plain = makeConfig({ hook: "mkdir -p data/kept && echo x > data/kept/x" });
    const mount = { source: "local", sourcePath: "" } as const;
    const config = { ...plain, mounts: { "data/kept": mount, "var/cache/app": mount, "a.txt/below": mount } };
    const first = await bench.build(tree, { config: plain });
    const second = await bench.build(tree, { config });
    expect(second.key).not.toBe(first.key);
    const root = bench.artifacts.pathOf(second.artifact.digest);
    expect((await lstat(join(root, "var/cache/app"))).isDirectory()).toBe(true);
    expect(await readTree(root)).toEqual({ "a.txt": "a", "data/kept/x": "x\n" });
    await bench.artifacts.check(second.artifact.digest);
  });

  it("is ended at its own time limit when that is the shorter one", async () => {
    const bench = await openBuilder({ timeLimitSeconds: 60 });
    const config = makeConfig({ hook: "sleep 50" });
    const impatient = { ...config, build: { ...config.build, timeoutSeconds: 1 } };
    await expect(
      bench.build(await uploadFiles(bench.sources, { "a.txt": "a" }), { config: impatient }),
    ).rejects.toMatchObject({ code: "ERR_BUILD_TIMEOUT", message: expect.stringContaining("1 s") as string });
  });

  it("is built anew when its artifact was damaged", async () => {
    const bench = await openBuilder();
    const tree = await uploadFiles(bench.sources, app);
    const { artifact } = await bench.build(tree);
    writeFileSync(join(bench.artifacts.pathOf(artifact.digest), "Cargo.toml"), "damaged");
    const again = await bench.build(tree);
    expect(again).toMatchObject({ reused: false, artifact: { digest: artifact.digest } });
    expect(again.warnings).toEqual([expect.stringContaining("damaged; it is built anew") as string]);
    await bench.artifacts.verify(artifact.digest);
    expect(await bench.build(tree)).toMatchObject({ reused: true, warnings: [] });
  });
});
