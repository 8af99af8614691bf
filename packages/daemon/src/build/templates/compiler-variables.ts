/** Variables that decide how dependencies are compiled: equal ones are a condition of sharing. */
const compiling =
  /^(?:RUSTFLAGS|CARGO_ENCODED_RUSTFLAGS|CARGO_INCREMENTAL|CARGO_PROFILE_[A-Z0-9_]+|CARGO_BUILD_(?:RUSTFLAGS|TARGET|INCREMENTAL)|CARGO_TARGET_[A-Z0-9_]+_(?:RUSTFLAGS|LINKER))$/;

/** With these, cargo runs other programs, writes elsewhere or takes crates from elsewhere. */
const forbidding =
  /^(?:RUSTC|RUSTC_.+|RUSTDOC|CARGO_BUILD_RUSTC.*|CARGO_BUILD_(?:TARGET|BUILD)_DIR|CARGO_TARGET_DIR|CARGO_TARGET_[A-Z0-9_]+_RUNNER|CARGO_(?:SOURCE|REGISTRIES|REGISTRY|UNSTABLE)_.+)$/;

export interface CompilerVariables {
  /** Sorted by name. */
  readonly variables: readonly (readonly [string, string])[];
  /** The name of a variable with which nothing can be shared; null when there is none. */
  readonly forbidding: string | null;
}

/**
 * Picks the variables that the compiler and cargo themselves look at. All others stay the app's own: they may be
 * secrets, and crates that depend on one say so to cargo, which then compiles them again.
 */
export function pickCompilerVariables(variables: Readonly<Record<string, string>>): CompilerVariables {
  const names = Object.keys(variables).sort();
  return {
    variables: names
      .filter((name) => compiling.test(name))
      .map((name) => [name, variables[name] ?? ""] as const),
    forbidding: names.find((name) => forbidding.test(name)) ?? null,
  };
}
