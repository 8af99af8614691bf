import { BloomError, type AppConfig } from "@bloomery/contract";
import type { FunctionFacts } from "../../store/versions.js";
import { compareVersions } from "../plan-toolchain.js";
import type { SourceStore } from "../source-store.js";
import { pickSubtree, type SourceTree } from "../source-tree.js";
import { applyOverlay } from "./apply-overlay.js";
import { assertNoProblems } from "./code-problems.js";
import { parseDependencies } from "./parse-dependency.js";
import { planOverlay } from "./plan-overlay.js";
import { planUnwinding } from "./plan-profile.js";
import type { Sdk } from "./sdk.js";

/** Where an artifact has a function's program. */
export const functionProgram = "function";

/** A function's code as a build works on it. */
export interface FunctionBuild {
  /** The code with what was laid over it. */
  readonly tree: SourceTree;
  /** The config with the package and the binary that serve the function. */
  readonly config: AppConfig;
  /** Those of the build besides the config's. */
  readonly variables: Readonly<Record<string, string>>;
  readonly sdk: Sdk;
  readonly isLockComplete: boolean;
  /** What was added, in words. */
  readonly notes: readonly string[];
  readonly facts: FunctionFacts;
}

/**
 * Plans what a function's code lacks and keeps the code with it as a tree of its own; the code stays as it was sent.
 * Throws ERR_MANIFEST_INVALID with everything that must be written otherwise, before cargo is asked.
 */
export async function prepareFunction(
  store: Pick<SourceStore, "layOver" | "openTree">,
  code: Pick<FunctionBuild, "config" | "variables"> & { readonly tree: string; readonly toolchain: string },
  sdk: Sdk,
): Promise<FunctionBuild> {
  const { config, toolchain } = code;
  assertToolchain(toolchain, sdk);
  const root = config.sourceRoot === "" ? "" : `${config.sourceRoot}/`;
  const sources = pickSubtree(await store.openTree(code.tree), config.sourceRoot);
  assertRoom(sources, root);
  const dependencies = parseDependencies(config.function?.dependencies ?? []);
  const plan = planOverlay({ sources, sdk, dependencies });
  const files = new Map([...plan.files].map(([path, text]) => [`${root}${path}`, text]));
  const laid = await applyOverlay(store, code.tree, { files });
  const { cargo } = config.build;
  const [written, given] = [planUnwinding(config.variables), planUnwinding(code.variables)];
  const notes = [...plan.notes, ...new Set([...written.notes, ...given.notes])];
  return {
    tree: pickSubtree(await store.openTree(laid.tree), config.sourceRoot),
    config: {
      ...config,
      variables: written.variables,
      build: { ...config.build, cargo: { ...cargo, package: plan.package, bin: plan.bin } },
    },
    variables: given.variables,
    sdk,
    isLockComplete: plan.isLockComplete,
    notes,
    facts: {
      codeHash: code.tree,
      sdk: `${sdk.version}+${sdk.digest.slice(0, 12)}`,
      toolchain,
      added: notes,
    },
  };
}

/** The SDK's own words for this would be about an edition. */
function assertToolchain(version: string, { rustVersion, version: sdk }: Sdk): void {
  if (compareVersions(version, rustVersion) >= 0) return;
  throw new BloomError(
    "ERR_MANIFEST_INVALID",
    `functions are compiled by Rust ${rustVersion} or newer, which ignite ${sdk} needs; this one asks for ${version}`,
    { hint: "Ask for a newer toolchain in rust-toolchain.toml, with --toolchain or with [build] toolchain." },
  );
}

/** The program gets a place that the code itself must leave to it. */
function assertRoom(sources: SourceTree, root: string): void {
  const taken = sources.list().find((path) => path.split("/")[0] === functionProgram);
  if (taken === undefined) return;
  const message = `"${functionProgram}" at the root of the code is where the platform puts the program; give yours another name`;
  assertNoProblems([{ file: `${root}${taken}`, line: 1, column: 1, message }]);
}
