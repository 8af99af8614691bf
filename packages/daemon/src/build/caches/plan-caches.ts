import { createHash } from "node:crypto";
import { join } from "node:path";
import type { BuildCacheConfig } from "@bloomery/contract";
import { contentKey } from "../plan-lay.js";
import type { SourceTree } from "../source-store.js";

/** One entry of `build.caches` for one source. */
export interface CachePlan {
  readonly name: string;
  /** Below /app. */
  readonly directory: string;
  /** Holds one folder for each state of the watched files. */
  readonly store: string;
  /** Names the state of the watched files. */
  readonly key: string;
  readonly allowStale: boolean;
}

export interface CachesPlan {
  readonly caches: readonly CachePlan[];
  readonly warnings: readonly string[];
}

/**
 * Says where each cache is kept. A shared one is kept for the org and nobody else: whatever a build leaves in it is
 * run by the next, and only the members of one org can already change each other's apps.
 */
export function planCaches(
  caches: Readonly<Record<string, BuildCacheConfig>>,
  tree: SourceTree,
  places: { readonly own: string; readonly shared: string | null },
): CachesPlan {
  const plans: CachePlan[] = [];
  const warnings: string[] = [];
  for (const [name, cache] of Object.entries(caches)) {
    const { directory, allowStale } = cache;
    if (directory === "target" || directory.startsWith("target/")) {
      warnings.push(`the cache ${name} is not needed: cargo's target folder is kept anyway`);
      continue;
    }
    const store = join(cache.shareBetweenApps && places.shared !== null ? places.shared : places.own, name);
    plans.push({ name, directory, store, key: keyOf(cache, tree), allowStale });
  }
  return { caches: plans, warnings };
}

function keyOf({ directory, watch }: BuildCacheConfig, tree: SourceTree): string {
  const watched = tree.entries
    .filter(({ path }) => watch.some((one) => path === one || path.startsWith(`${one}/`)))
    .map((entry) => `${JSON.stringify(entry.path)} ${contentKey(entry)}`)
    .sort();
  return createHash("sha256")
    .update(JSON.stringify([directory, watch, watched]))
    .digest("hex");
}
