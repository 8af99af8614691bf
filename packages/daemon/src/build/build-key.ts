import { createHash } from "node:crypto";
import type { BuildConfig } from "@bloomery/contract";

/** Raised whenever the builder itself changes in a way that changes its output. */
const builderVersion = 1;

/** Everything that decides what a build produces. */
export interface BuildInputs {
  readonly tree: string;
  readonly build: BuildConfig;
  /** `rustc`'s version, also when it came from a fallback. */
  readonly toolchain: string;
  /** The app's name is visible to builds. */
  readonly name: string;
  /** All variables that the build sees, values included; only their hash leaves this function. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Same inputs, same key: an artifact built under it may be used again. A sha256 in hexadecimal digits. */
export function buildKey(inputs: BuildInputs): string {
  const { build } = inputs;
  const variables = Object.entries(inputs.variables).sort(([a], [b]) => (a < b ? -1 : 1));
  const document = [
    builderVersion,
    inputs.tree,
    inputs.toolchain,
    inputs.name,
    build.hook,
    // Cargo is not asked when there is a hook.
    build.hook === null
      ? [build.cargo.profile, build.cargo.features, build.cargo.package, build.cargo.bin, build.cargo.target]
      : null,
    variables,
  ];
  return createHash("sha256").update(JSON.stringify(document)).digest("hex");
}
