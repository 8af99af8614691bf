import { mkdir, utimes, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openArtifactStore } from "../../../src/build/artifact-store.js";
import { collectGarbage } from "../../../src/build/garbage/collect-garbage.js";
import { planGarbage, type GarbageFacts } from "../../../src/build/garbage/plan-garbage.js";
import { openSourceStore } from "../../../src/build/source-store.js";
import { openTemplates } from "../../../src/build/templates/open-templates.js";
import { makeFolder, makeTempDir, uploadFiles } from "../helpers.js";

const limits = { versions: 2, youngMs: 100, templateIdleMs: 1000, templateBytes: 50 };
const version = (appId: string, number: number, isLive = false) => ({
  appId,
  number,
  isLive,
  artifact: `${appId}${number}`,
  tree: `tree-${appId}${number}`,
});

function plan(change: Partial<GarbageFacts>): ReturnType<typeof planGarbage> {
  return planGarbage({ now: 10_000, versions: [], artifacts: [], templates: [], ...change }, limits);
}

describe("the plan for garbage", () => {
  it("keeps the latest versions of each app, and what is live", () => {
    const versions = [
      version("a", 1, true),
      version("a", 2),
      version("a", 3),
      version("a", 4),
      version("b", 1),
    ];
    const artifacts = [...versions.map(({ artifact }) => artifact), "none"].map((digest) => ({
      digest,
      usedAt: 0,
    }));
    const { artifacts: gone, keepTrees } = plan({ versions, artifacts });
    expect(gone).toEqual(["a2", "none"]);
    expect([...keepTrees].toSorted()).toEqual(["tree-a1", "tree-a3", "tree-a4", "tree-b1"]);
  });

  it("keeps an artifact that an old and a kept version share, and a young one that no version has yet", () => {
    const shared = { ...version("a", 1), artifact: "a9" };
    const versions = [shared, version("a", 2), { ...version("a", 3), artifact: "a9" }];
    const artifacts = [
      { digest: "a9", usedAt: 0 },
      { digest: "young", usedAt: 9_950 },
    ];
    expect(plan({ versions, artifacts }).artifacts).toEqual([]);
  });

  it("lets templates go that are idle, or were used longest ago when there are too many", () => {
    const template = (key: string, usedAt: number, bytes = 20) => ({ key, usedAt, bytes });
    expect(plan({ templates: [template("idle", 8_000), template("used", 9_500)] }).templates).toEqual([
      "idle",
    ]);
    const many = [
      template("new", 9_999),
      template("mid", 9_500),
      template("old", 9_400),
      template("busy", 9_990),
    ];
    expect(plan({ templates: many }).templates).toEqual(["mid", "old"]);
  });
});

describe("collecting garbage", () => {
  it("removes artifacts, sources, templates, layers and caches, and nothing that is kept", async () => {
    const home = await makeTempDir();
    const buildCache = await makeFolder(home, "build-cache");
    const sources = await openSourceStore(join(home, "sources"));
    const artifacts = await openArtifactStore(join(home, "artifacts"));
    const { store } = openTemplates(buildCache);
    const trees = [await uploadFiles(sources, { a: "old" }), await uploadFiles(sources, { a: "new" })];
    const work = await makeFolder(home, "work");
    const digests: string[] = [];
    for (const text of ["old", "new"]) {
      await writeFile(join(work, "a"), text);
      digests.push((await artifacts.collect(work)).digest);
    }
    const key = "f".repeat(64);
    await mkdir(store.folders.of(key).target, { recursive: true });
    const flavor = { toolchain: "1", profile: "release", target: null, variables: [] };
    await writeFile(store.folders.of(key).record, JSON.stringify({ key, flavor, packages: [], bytes: 1 }));
    await utimes(store.folders.of(key).record, 1, 1);
    await makeFolder(buildCache, "app-1/targets", key);
    await writeFile(join(buildCache, "app-1/targets/layer.json"), JSON.stringify({ template: key }));
    const cache = await makeFolder(buildCache, "caches/org-1/modules/1");
    await utimes(cache, 1, 1);

    const [oldTree = "", newTree = ""] = trees;
    const [oldArtifact = "", newArtifact = ""] = digests;
    const versions = [{ appId: "a", number: 1, artifact: newArtifact, tree: newTree, isLive: true }];
    const parts = { buildCache, sources, artifacts, templates: store, versions };
    const young = { ...limits, youngMs: 3_600_000 };
    expect(await collectGarbage({ ...parts, limits: young })).toMatchObject({ artifacts: 0 });
    const report = await collectGarbage({ ...parts, limits: { ...limits, youngMs: 0 } });
    expect(report).toMatchObject({ artifacts: 1 });
    expect(await artifacts.list()).toEqual([newArtifact]);
    expect(existsSync(artifacts.pathOf(oldArtifact))).toBe(false);
    await expect(sources.openTree(oldTree)).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
    await sources.assertComplete(newTree);
    expect(await store.list()).toEqual([]);
    expect(existsSync(join(buildCache, "app-1/targets"))).toBe(false);
    expect(existsSync(cache)).toBe(false);
    expect(existsSync(join(buildCache, "app-1"))).toBe(true);
  });
});
