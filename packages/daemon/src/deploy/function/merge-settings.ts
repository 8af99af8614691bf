import { BloomError, type ignite } from "@bloomery/contract";
import { parseSchema } from "../../config/json-schema.js";

type Settings = ignite.AppSettings;

/**
 * What was said before with what is said now: only what is named changes. Throws ERR_INVALID_ARGUMENT for settings
 * that contradict each other, ERR_SCHEMA_INVALID, and ERR_SHAPE_UNSUPPORTED for what this release cannot run.
 */
export function mergeSettings(before: Settings, { maxConcurrency, ...said }: Settings): Settings {
  const patch =
    maxConcurrency === undefined ? said : { ...said, scaling: { ...said.scaling, maxConcurrency } };
  const merged: Settings = dropUndefined({
    ...before,
    ...dropUndefined(patch),
    ...(patch.limits === undefined ? {} : { limits: { ...before.limits, ...dropUndefined(patch.limits) } }),
    ...(patch.scaling === undefined
      ? {}
      : { scaling: { ...before.scaling, ...dropUndefined(patch.scaling) } }),
    ...(patch.runtime === undefined
      ? {}
      : { runtime: { rust: { ...before.runtime?.rust, ...dropUndefined(patch.runtime.rust) } } }),
  });
  assertSettings(merged);
  return merged;
}

/** Throws ERR_SHAPE_UNSUPPORTED for a target that this release does not build. */
export function assertTarget(runtime: ignite.RuntimeSource | undefined): void {
  if (runtime?.rust.target !== "RUST_COMPILATION_TARGET_WASM") return;
  throw new BloomError(
    "ERR_SHAPE_UNSUPPORTED",
    "functions cannot be built as WebAssembly components by this release yet",
    { hint: "Use the target native: `--rust-target native`." },
  );
}

function assertSettings({ scaling = {}, inputSchema, outputSchema, runtime }: Settings): void {
  assertTarget(runtime);
  parseSchema(inputSchema ?? "", "input");
  parseSchema(outputSchema ?? "", "output");
  const { maxReplicas = 0 } = scaling;
  const least = Math.max(scaling.minReplicas ?? 0, scaling.reserved ?? 0);
  if (maxReplicas > 0 && maxReplicas < least) {
    throw new BloomError(
      "ERR_INVALID_ARGUMENT",
      `there cannot be at most ${maxReplicas} replicas and at least ${least}`,
      { hint: "Raise maxReplicas, or lower minReplicas and reserved." },
    );
  }
}

/** A key that is there without a value is not named. */
function dropUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;
}
