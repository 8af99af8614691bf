import type { TomlTable } from "../toml-table.js";
import { asTable } from "../toml-table.js";
import { parseToml } from "../../config/parse-toml.js";
import type { PlaceMap } from "../../config/source.js";
import { assertNoProblems, type CodeProblem } from "./code-problems.js";
import { checkManifest, type ManifestProblem } from "./check-manifest.js";
import { editManifest } from "./edit-manifest.js";
import { findHandler, type Handler } from "./find-handler.js";
import { findOutside } from "./find-outside.js";
import { planDependencies, planMemberSdk, type BundledSdk } from "./plan-dependencies.js";
import type { WantedDependency } from "./parse-dependency.js";
import { planLockfile } from "./plan-lockfile.js";
import { planProfile } from "./plan-profile.js";
import { planTargets } from "./plan-targets.js";
import { planWrapper } from "./plan-wrapper.js";

/** A function's code, readable like a project folder with `Cargo.toml` at its root. */
export interface FunctionSources {
  list(): readonly string[];
  read(path: string): string | undefined;
}

export interface OverlayWish {
  readonly sources: FunctionSources;
  readonly sdk: BundledSdk & {
    /** The Cargo.lock of a function with nothing but what is added here; null: versions are cargo's choice. */
    readonly lockfile: string | null;
  };
  readonly dependencies: readonly WantedDependency[];
}

/** What a build has to lay over its own copy of the code, and how to build it then. */
export interface OverlayPlan {
  /** Path → text; replaces what is there. */
  readonly files: ReadonlyMap<string, string>;
  readonly package: string;
  /** The binary that serves the function. */
  readonly bin: string;
  readonly handler: { readonly file: string; readonly line: number; readonly form: "lib" | "bin" };
  /** False: cargo has to complete Cargo.lock first, so it cannot be called with `--locked`. */
  readonly isLockComplete: boolean;
  /** What was added or changed, one sentence each, for the build's log. */
  readonly notes: readonly string[];
}

/**
 * Decides how a function's code becomes a program. Nothing of it is changed in place: the plan's files are laid over
 * a copy. Throws ERR_MANIFEST_INVALID with every mistake of Cargo.toml and every handler too many or too few.
 */
export function planOverlay({ sources, sdk, dependencies }: OverlayWish): OverlayPlan {
  const text = sources.read("Cargo.toml") ?? "";
  const { manifest, places } = readManifest("Cargo.toml", text);
  const paths = sources.list();
  const inManifest = ({ path, message }: ManifestProblem): CodeProblem =>
    placeProblem("Cargo.toml", places, path, message);
  assertNoProblems(checkManifest(manifest).map(inManifest));
  const crate = asTable(manifest["package"]);
  const name = String(crate["name"]);

  const targets = planTargets(manifest, name, paths);
  const { handler, problems: handlerProblems } = findHandler(sources, targets);
  const wishes = planDependencies(manifest, sdk, dependencies);
  const profile = planProfile(manifest);
  const wrapper =
    handler === null ? null : planWrapper({ handler, targets, manifest, packageName: name, paths });
  const edits = [...wishes.edits, ...profile.edits, ...(wrapper?.edits ?? [])];
  const edited = editManifest(text, edits);
  const hasWorkspace = manifest["workspace"] !== undefined;
  const outside = findOutside(readManifest("Cargo.toml", edited).manifest, ".", {
    hasWorkspace,
    sdkPath: sdk.path,
  });
  const written = [...wishes.problems, ...(wrapper?.problems ?? []), ...outside].map(inManifest);
  assertNoProblems([...written, ...handlerProblems, ...profile.findConflicts(sources)]);
  if (handler === null || wrapper === null) throw new Error("a plan without a handler has problems");

  const lock = planLockfile({
    own: sources.read("Cargo.lock") ?? null,
    bundled: sdk.lockfile,
    crate: { name, version: typeof crate["version"] === "string" ? crate["version"] : "0.0.0" },
    manifest: readManifest("Cargo.toml", edited).manifest,
  });
  return {
    files: new Map([
      ["Cargo.toml", edited],
      ...editMembers(sources, sdk),
      ...wrapper.files,
      ...(lock.text === null ? [] : [["Cargo.lock", lock.text] as const]),
    ]),
    package: name,
    bin: wrapper.bin,
    handler: describeHandler(handler),
    isLockComplete: lock.isComplete,
    notes: [...wishes.notes, ...wrapper.notes, ...profile.notes],
  };
}

const describeHandler = ({ target, place }: Handler): OverlayPlan["handler"] => ({
  file: target.path,
  line: place.line,
  form: target.kind,
});

function readManifest(file: string, text: string): { manifest: TomlTable; places: PlaceMap } {
  const { source, problems } = parseToml(file, text);
  assertNoProblems(problems);
  if (source === null) throw new Error("what cannot be read has problems");
  return { manifest: asTable(source.value), places: source.places };
}

function placeProblem(file: string, places: PlaceMap, path: readonly string[], message: string): CodeProblem {
  const { line, column } = places.find(path, "key");
  return { file, line, column, message };
}

/** Other packages of the project may name the SDK, too. */
function editMembers(sources: FunctionSources, sdk: BundledSdk): (readonly [string, string])[] {
  return sources.list().flatMap((path) => {
    const text = path.endsWith("/Cargo.toml") ? (sources.read(path) ?? "") : "";
    if (!text.includes("ignite")) return [];
    const { source } = parseToml(path, text);
    // Whether it matters, cargo will say: it may be a test's.
    if (source === null) return [];
    const { edits, problems } = planMemberSdk(asTable(source.value), sdk);
    assertNoProblems(problems.map((one) => placeProblem(path, source.places, one.path, one.message)));
    return edits.length === 0 ? [] : [[path, editManifest(text, edits)] as const];
  });
}
