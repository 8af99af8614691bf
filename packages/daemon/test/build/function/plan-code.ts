import { parseDependencies } from "../../../src/build/function/parse-dependency.js";
import { planOverlay, type OverlayPlan } from "../../../src/build/function/plan-overlay.js";

export const handler = "use ignite::prelude::*;\n\n#[ignite::main]\nasync fn handler() {}\n";
export const crate = '[package]\nname = "my-hello"\nversion = "0.1.0"\nedition = "2021"\n';

/** The plan for these files; a Cargo.toml is there without being given. */
export function plan(
  files: Readonly<Record<string, string>>,
  dependencies: readonly string[] = [],
): OverlayPlan {
  const all: Readonly<Record<string, string>> = { "Cargo.toml": crate, ...files };
  return planOverlay({
    sources: { list: () => Object.keys(all), read: (path) => all[path] },
    sdk: { path: "/sdk/ignite", version: "0.1.0", lockfile: null },
    dependencies: parseDependencies(dependencies),
  });
}
