import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout this script belongs to. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Things a checkout makes for itself and git ignores: the Rust binaries, stamps, test reports. */
export const localDir = join(root, ".bloom");

/** Things worth sharing between checkouts: the compiled native module and cargo's target folder. */
export const cacheDir = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "bloomery");

export const cargoTarget = process.env["BLOOM_CARGO_TARGET"] || join(cacheDir, "target");

/** A program that npm installed into this checkout. */
export function binOf(name) {
  return join(root, "node_modules", ".bin", name);
}
