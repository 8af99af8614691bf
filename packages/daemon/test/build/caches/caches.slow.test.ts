import { symlinkSync } from "node:fs";
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuildCacheConfig } from "@bloomery/contract";
import { describe, expect, it } from "vitest";
import { restoreCaches } from "../../../src/build/caches/apply-caches.js";
import { isRoot, makeApp, openBuilder, type BenchApp } from "../builder-bench.js";
import { findShim, makeConfig, makeFolder, makeTempDir, uploadFiles } from "../helpers.js";

const cache = (change: Partial<BuildCacheConfig> = {}): BuildCacheConfig => ({
  directory: "node/modules",
  watch: ["lock.json"],
  allowStale: false,
  shareBetweenApps: false,
  ...change,
});

const hook =
  "mkdir -p node/modules && echo x >> node/modules/count && wc -l < node/modules/count > count.txt";

describe.skipIf(findShim() === null).each([
  ["as root", true],
  ["without root", false],
])("a cache of a build %s", (_, asRoot) => {
  it.skipIf(asRoot && !isRoot)("is found again while the watched files are the same", async () => {
    const bench = await openBuilder({ asRoot });
    const build = async (
      lock: string,
      source: string,
      one: BuildCacheConfig,
      app?: BenchApp,
    ): Promise<number> => {
      const config = makeConfig({ hook });
      const { artifact } = await bench.build(
        await uploadFiles(bench.sources, { "lock.json": lock, "main.txt": source }),
        {
          config: { ...config, build: { ...config.build, caches: { modules: one } } },
          ...(app === undefined ? {} : { app }),
        },
      );
      return Number(await readFile(join(bench.artifacts.pathOf(artifact.digest), "count.txt"), "utf8"));
    };
    expect(await build("1", "a", cache())).toBe(1);
    expect(await build("1", "b", cache())).toBe(2);
    expect(await build("2", "b", cache())).toBe(1);
    expect(await build("1", "c", cache())).toBe(3);
    expect(await build("3", "c", cache({ allowStale: true }))).toBe(4);
    expect(await build("3", "d", cache({ directory: "node/modules", watch: ["other"] }))).toBe(1);

    const [left, right] = [makeApp("app-left"), makeApp("app-right")];
    const shared = cache({ shareBetweenApps: true });
    expect(await build("9", "a", shared, left)).toBe(1);
    expect(await build("9", "b", shared, right)).toBe(2);
    expect(await build("9", "c", cache(), right)).toBe(1);
  });

  it.skipIf(asRoot && !isRoot)("is not kept from a failed build, and never follows a link", async () => {
    const bench = await openBuilder({ asRoot });
    const outside = await makeTempDir();
    const config = makeConfig({ hook: "mkdir -p node && rm -rf node/modules && ln -s /etc node/modules" });
    const linked = { ...config, build: { ...config.build, caches: { modules: cache() } } };
    await bench
      .build(await uploadFiles(bench.sources, { "lock.json": "1" }), { config: linked })
      .catch(() => undefined);
    const failing = { ...linked, build: { ...linked.build, hook: `${hook}; false` } };
    await expect(
      bench.build(await uploadFiles(bench.sources, { "lock.json": "1" }), { config: failing }),
    ).rejects.toMatchObject({ code: "ERR_BUILD_FAILED" });
    await expect(lstat(join(bench.home, "build-cache/app-1/caches/modules"))).rejects.toMatchObject({
      code: "ENOENT",
    });

    const store = await makeFolder(outside, "store", "a".repeat(64));
    await makeFolder(store, "planted");
    const work = await makeFolder(outside, "work");
    const target = await makeFolder(outside, "target");
    symlinkSync(target, join(work, "node"));
    const plan = { name: "m", directory: "node/modules", store: join(outside, "store"), key: "a".repeat(64) };
    expect(await restoreCaches([{ ...plan, allowStale: false }], work, null)).toEqual([]);
    expect(await readdir(target)).toEqual([]);
  });
});
