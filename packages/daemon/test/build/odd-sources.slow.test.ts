import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openArtifactStore } from "../../src/build/artifact-store.js";
import { openSourceStore } from "../../src/build/source-store.js";
import { openBuilder } from "./builder-bench.js";
import {
  fileEntry,
  findShim,
  makeConfig,
  makeFolder,
  makeTar,
  makeTempDir,
  readTree,
  sha256,
  streamOf,
  uploadFiles,
} from "./helpers.js";

describe("a large upload", () => {
  it("of 10,000 files arrives whole and in bounded time, as contents and as one archive", async () => {
    const store = await openSourceStore(join(await makeTempDir(), "sources"));
    const bodies = Array.from({ length: 10_000 }, (_, at) => ({
      path: `src/${at % 100}/${at}.rs`,
      body: `// ${at}\n`,
    }));
    const began = performance.now();
    const plan = await store.planUpload(bodies.map(({ path, body }) => fileEntry(path, body)));
    expect(plan.missing).toHaveLength(10_000);
    const tar = makeTar(bodies.map(({ body }) => ({ path: sha256(body), body })));
    await store.receiveBlobs(plan.tree, streamOf(tar, 65_536));
    await store.assertComplete(plan.tree);
    const { tree } = await store.receiveArchive(streamOf(makeTar(bodies), 65_536));
    expect(tree).toBe(plan.tree);
    // Loaded machines are slow; what must not happen is a time that grows with the square.
    expect(performance.now() - began).toBeLessThan(60_000);
    expect((await store.planUpload(bodies.map(({ path, body }) => fileEntry(path, body)))).missing).toEqual(
      [],
    );
  });
});

describe("odd file names", () => {
  const names = [
    "-rf",
    "--help",
    "a b",
    "quote'\"",
    "dollar$HOME`id`",
    "ünï/ⓒode",
    "😀.txt",
    "%2e%2e",
    "__proto__",
  ];

  it.skipIf(findShim() === null)("go through a build as they are", async () => {
    const bench = await openBuilder();
    const files = Object.fromEntries(names.map((name) => [name, name]));
    const config = makeConfig({ hook: "ls -1 | wc -l > count; rm -- -rf; echo more > -new" });
    const { artifact } = await bench.build(await uploadFiles(bench.sources, files), { config });
    const made = await readTree(bench.artifacts.pathOf(artifact.digest));
    for (const name of names.filter((one) => one !== "-rf")) expect(made[name]).toBe(name);
    expect(made).toMatchObject({ "-new": "more\n" });
    expect(Object.hasOwn(made, "-rf")).toBe(false);
  });

  it.each([
    ["a name that is not UTF-8", Buffer.from("bad-\xff\xfe", "latin1")],
    ["a name with a newline", Buffer.from("two\nlines")],
    ["a name with a control character", Buffer.from("bell\x07")],
    ["a name longer than a file system takes", Buffer.from("n".repeat(256))],
    ["a path out of the source", Buffer.from("../escape")],
    ["an absolute path", Buffer.from("/etc/passwd")],
  ])("are refused when they cannot be kept: %s", async (_, name) => {
    const store = await openSourceStore(join(await makeTempDir(), "sources"));
    const refused = store.receiveArchive(streamOf(longNameTar(name)));
    await expect(refused).rejects.toMatchObject({ code: "ERR_SOURCE_UNSAFE" });
  });

  it("that a build leaves are refused in its own words", async () => {
    const dir = await makeTempDir();
    const store = await openArtifactStore(join(dir, "artifacts"));
    const work = await makeFolder(dir, "work");
    await writeFile(Buffer.concat([Buffer.from(`${work}/bad-`), Buffer.from([0xff])]), "x");
    await expect(store.collect(work)).rejects.toMatchObject({
      code: "ERR_BUILD_OUTPUT_UNSAFE",
      message: expect.stringContaining("not UTF-8") as string,
    });
    expect(readdirSync(join(dir, "artifacts"))).toEqual([]);
    execFileSync("find", [work, "-type", "f", "-delete"]);
    await writeFile(join(work, "two\nlines"), "x");
    const { digest } = await store.collect(work);
    await store.verify(digest);
  });
});

/** One file whose name comes in a header of its own, as tar writes long ones. */
function longNameTar(name: Buffer): Buffer {
  const long = makeTar(
    [{ path: "././@LongLink", type: "L", body: Buffer.concat([name, Buffer.from([0])]) }],
    {
      end: false,
    },
  );
  return Buffer.concat([long, makeTar([{ path: "short", body: "x" }])]);
}
