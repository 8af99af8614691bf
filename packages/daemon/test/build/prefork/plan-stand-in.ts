import type { BundledSdk } from "../../../src/build/function/plan-dependencies.js";
import { planCrates } from "../../../src/build/prefork/plan-crates.js";

const manifest = `[package]
name = "stand-in"
version = "0.0.0"
edition = "2024"

[lib]
crate-type = ["cdylib"]

[dependencies]
prefork = "*"
`;

/**
 * The smallest app of the safe kind, ready for cargo: path → text. The lockfile that cargo makes for it is the one that
 * `planCrates` takes as the platform's.
 */
export function planStandIn(sdk: BundledSdk): ReadonlyMap<string, string> {
  const files = new Map([
    ["Cargo.toml", manifest],
    ["src/lib.rs", ""],
  ]);
  const sources = { list: () => [...files.keys()], read: (path: string) => files.get(path) };
  return new Map([...files, ...planCrates(sources, { ...sdk, lockfile: null }).files]);
}
