import { execFileSync } from "node:child_process";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openArtifactStore } from "../../src/build/artifact-store.js";
import { makeFolder, makeTempDir, readTree } from "./helpers.js";

const isRoot = process.getuid?.() === 0;

describe("a target folder in two layers", () => {
  it.runIf(isRoot)(
    "is collected as a build sees it: finished programs, without what was removed",
    async () => {
      const dir = await makeTempDir();
      const work = await makeFolder(dir, "work");
      const upper = await makeFolder(dir, "upper");
      await makeFolder(work, "target");
      await writeFile(join(work, "Cargo.toml"), "[package]");
      await writeFile(join(work, "target/beneath"), "covered by the mount");
      for (const folder of ["release/deps", "release/.fingerprint/app-1", "other"])
        await makeFolder(upper, folder);
      await writeFile(join(upper, "release/app"), "a program", { mode: 0o755 });
      await writeFile(join(upper, "release/app.d"), "app: src/main.rs");
      await writeFile(join(upper, "release/deps/app-1"), "a program");
      await writeFile(join(upper, "other/report.html"), "<p>");
      for (const gone of ["CACHEDIR.TAG", "release/gone", "release/deps/libserde.rlib"])
        execFileSync("mknod", [join(upper, gone), "c", "0", "0"]);

      const store = await openArtifactStore(join(dir, "artifacts"));
      const targetLayer = { lower: join(dir, "lower"), upper, work: join(dir, "kernel") };
      const { digest, warnings } = await store.collect(work, { targetLayer });
      expect(warnings).toEqual([]);
      expect(await readTree(store.pathOf(digest))).toEqual({
        "Cargo.toml": "[package]",
        "target/other/report.html": "<p>",
        "target/release/app": "a program",
      });
      await store.verify(digest);

      // A device that no overlay made is still refused.
      execFileSync("mknod", [join(work, "null"), "c", "1", "3"]);
      await expect(store.collect(work, { targetLayer })).rejects.toMatchObject({
        code: "ERR_BUILD_OUTPUT_UNSAFE",
      });
      expect(await readdir(join(dir, "artifacts"))).toHaveLength(2);
    },
  );
});
