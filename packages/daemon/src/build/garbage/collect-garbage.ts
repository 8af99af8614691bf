import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ArtifactStore } from "../artifact-store.js";
import { planBuildFolders } from "../build-folders.js";
import { removeTree } from "../remove-tree.js";
import type { SourceStore } from "../source-store.js";
import { loadLayerKey } from "../templates/target-place.js";
import type { TemplateStore } from "../templates/template-store.js";
import { garbageLimits, planGarbage, type GarbageLimits, type VersionFacts } from "./plan-garbage.js";

export interface GarbageReport {
  readonly artifacts: number;
  readonly templates: number;
  /** Apps whose layer lay on a template that is gone. */
  readonly layers: number;
  readonly caches: number;
}

/** Removes what nobody needs any more. May run beside builds and deployments: what they use is young. */
export async function collectGarbage(parts: {
  readonly buildCache: string;
  readonly sources: SourceStore;
  readonly artifacts: ArtifactStore;
  readonly templates: TemplateStore;
  readonly versions: readonly VersionFacts[];
  readonly limits?: GarbageLimits;
}): Promise<GarbageReport> {
  const { buildCache, sources, artifacts, templates, versions, limits = garbageLimits } = parts;
  const stored: { digest: string; usedAt: number }[] = [];
  for (const digest of await artifacts.list())
    stored.push({ digest, usedAt: await artifacts.usedAt(digest).catch(() => Date.now()) });
  const plan = planGarbage(
    { now: Date.now(), versions, artifacts: stored, templates: await templates.list() },
    limits,
  );
  for (const digest of plan.artifacts) await artifacts.remove(digest);
  await artifacts.removePutAside(limits.youngMs);
  await sources.prune({ keep: plan.keepTrees, olderThanMs: limits.youngMs });
  for (const key of plan.templates) await templates.remove(key);
  return {
    artifacts: plan.artifacts.length,
    templates: plan.templates.length,
    layers: await removeOrphans(buildCache, new Set(plan.templates)),
    caches: await removeOldCaches(join(buildCache, "caches"), limits.templateIdleMs),
  };
}

/** Layers over templates that have just been removed: alone they are of no use. */
async function removeOrphans(buildCache: string, gone: ReadonlySet<string>): Promise<number> {
  if (gone.size === 0) return 0;
  let count = 0;
  for (const app of await readdir(buildCache)) {
    const folders = planBuildFolders(buildCache, app);
    const key = await loadLayerKey(folders);
    if (key === null || !gone.has(key)) continue;
    await removeTree(folders.targets);
    count++;
  }
  return count;
}

/** Shared caches by org, name and state; those of an app go with the app. */
async function removeOldCaches(root: string, idleMs: number): Promise<number> {
  let count = 0;
  for (const org of await list(root)) {
    for (const name of await list(join(root, org))) {
      for (const state of await list(join(root, org, name))) {
        const path = join(root, org, name, state);
        const found = await stat(path).catch(() => null);
        if (found === null || Date.now() - found.mtimeMs < idleMs) continue;
        await removeTree(path);
        count++;
      }
    }
  }
  return count;
}

const list = (path: string): Promise<string[]> => readdir(path).catch(() => []);
