import type { AppConfig } from "@bloomery/contract";
import { openAppFolder } from "../../config/app-folder.js";
import { loadCargoProject } from "../../config/cargo-project.js";
import { assertNoProblems } from "../function/code-problems.js";
import type { Sdk } from "../function/sdk.js";
import { compareVersions } from "../plan-toolchain.js";
import type { SourceStore } from "../source-store.js";
import { openSubtree, pickSubtree, type SourceTree } from "../source-tree.js";
import { assertClassic } from "./check-compiler.js";
import type { PreforkHost } from "./host.js";
import { planCrates } from "./plan-crates.js";

/** A prefork app's code as a build works on it. */
export interface PreforkBuild {
  /** The code, with what was laid over it. */
  readonly tree: SourceTree;
  readonly host: PreforkHost;
  /** Null: the code names none of the platform's crates. */
  readonly sdk: Sdk | null;
  readonly isLockComplete: boolean;
  /** Names of the libraries that cargo makes. */
  readonly crates: readonly string[];
  /** What was changed, in words. */
  readonly notes: readonly string[];
}

/**
 * Plans what a prefork app's code lacks and keeps the code with it as a tree of its own; the code stays as it was sent.
 * Throws ERR_MANIFEST_INVALID with everything that must be written otherwise, before cargo is asked.
 */
export async function preparePrefork(
  store: Pick<SourceStore, "layOver" | "openTree">,
  code: { readonly tree: string; readonly config: AppConfig; readonly toolchain: string },
  platform: { readonly host: PreforkHost; readonly sdk: () => Promise<Sdk> },
): Promise<PreforkBuild> {
  const { config, toolchain } = code;
  const { host } = platform;
  const whole = await store.openTree(code.tree);
  const sources = pickSubtree(whole, config.sourceRoot);
  const plain = { host, sdk: null, isLockComplete: true, notes: [] };
  // A script may call another compiler; what it has made is looked at afterwards.
  const isOurs = config.build.hook === null;
  if (config.prefork?.source.kind !== "cargo") {
    if (config.prefork?.source.kind === "files" && isOurs) assertClassic(toolchain, host.compiler);
    return { ...plain, tree: openSubtree(whole, config.sourceRoot), crates: [] };
  }
  const crates = listLibraries(sources);
  const sdk = await platform.sdk();
  const plan = planCrates(sources, sdk);
  const root = config.sourceRoot === "" ? "" : `${config.sourceRoot}/`;
  assertNoProblems(plan.problems.map((one) => ({ ...one, file: `${root}${one.file}` })));
  if (plan.usesSdk) assertNewEnough(toolchain, sdk);
  else if (isOurs) assertClassic(toolchain, host.compiler);
  if (plan.files.size === 0) return { ...plain, tree: openSubtree(whole, config.sourceRoot), crates };
  const files = new Map([...plan.files].map(([path, text]) => [`${root}${path}`, text]));
  const laid = await store.layOver(code.tree, files);
  return {
    tree: pickSubtree(await store.openTree(laid.tree), config.sourceRoot),
    host,
    sdk: plan.usesSdk ? sdk : null,
    isLockComplete: plan.isLockComplete,
    crates,
    notes: plan.notes,
  };
}

function listLibraries(sources: SourceTree): readonly string[] {
  const { root, members } = loadCargoProject(openAppFolder(sources, ""));
  const packages = root === null ? members : [root, ...members];
  return packages.flatMap(({ sharedLibrary }) => sharedLibrary ?? []);
}

/** The crate's own words for this would be about an edition. */
function assertNewEnough(version: string, { rustVersion, version: sdk }: Sdk): void {
  if (compareVersions(version, rustVersion) >= 0) return;
  const message = `prefork ${sdk} is compiled by Rust ${rustVersion} or newer, and this project asks for ${version}; ask for a newer toolchain`;
  assertNoProblems([{ file: "Cargo.toml", line: 1, column: 1, message }]);
}
