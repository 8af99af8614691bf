import { createHash } from "node:crypto";
import type { AppConfig, PreforkConfig } from "@bloomery/contract";

/** Raised whenever the builder itself changes in a way that changes its output. */
const builderVersion = 2;

/** Everything that decides what a build produces. */
export interface BuildInputs {
  /** Of the app's folder without its manifests; what lies beside it does not matter. */
  readonly tree: string;
  readonly config: AppConfig;
  /** `rustc`'s version, also when it came from a fallback. */
  readonly toolchain: string;
  /** All variables that the build sees, values included; only their hash leaves this function. */
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Same inputs, same key: an artifact built under it may be used again. What only a deployment looks at (start
 * commands, hooks, limits, locations …) has no part in it; the places of mounts have, because artifacts hold a
 * folder for each. A sha256 in hexadecimal digits.
 */
export function buildKey({ tree, config, toolchain, variables }: BuildInputs): string {
  const { hook, cargo, caches } = config.build;
  const document = [
    builderVersion,
    tree,
    toolchain,
    // The app's name is visible to builds.
    config.name,
    hook,
    // Cargo is not asked when there is a hook.
    hook === null ? [cargo.profile, cargo.features, cargo.package, cargo.bin, cargo.target] : null,
    sortByName(caches).map(([name, cache]) => [
      name,
      cache.directory,
      cache.watch,
      cache.allowStale,
      cache.shareBetweenApps,
    ]),
    Object.keys(config.mounts).sort(),
    sortByName(variables),
    // Nothing is added for the others: their builds stay what they were.
    ...(config.prefork === null ? [] : [keyOfPrefork(config.prefork)]),
  ];
  return createHash("sha256").update(JSON.stringify(document)).digest("hex");
}

/** Numbers of workers and threads are for whoever starts it. */
function keyOfPrefork({ ini, section, source }: PreforkConfig): unknown {
  return ["prefork", ini, section, source.kind, source.kind === "files" ? source.files : null];
}

function sortByName<T>(table: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1));
}
