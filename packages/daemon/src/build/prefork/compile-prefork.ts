import { BloomError, type AppConfig } from "@bloomery/contract";
import { assertNoProblems } from "../function/code-problems.js";
import { planStep, type BuildStep, type StepSurroundings } from "../plan-build.js";
import type { BuildRun } from "../run-build.js";
import { asTable, parseTable } from "../toml-table.js";
import { askHost, placeInIni } from "./ask-host.js";
import { compileFile } from "./compile-file.js";
import { crateNameOf } from "./crate-name.js";
import { planLibraries, type LibraryPlan } from "./plan-libraries.js";
import { rustcFolder } from "./plan-rustc.js";
import type { PreforkBuild } from "./prepare-prefork.js";
import type { LibraryPlace } from "./take-libraries.js";

/** A prefork app's build that is under way. */
export interface PreforkJob {
  readonly build: PreforkBuild;
  readonly config: AppConfig;
  readonly surroundings: StepSurroundings;
  readonly env: Readonly<Record<string, string>>;
  readonly run: BuildRun;
}

/** What the ini asks for, and what it is made from. */
export interface ServedLibraries {
  readonly libraries: readonly LibraryPlan[];
  readonly allowMismatch: boolean;
  /** The host's own, each with its place. */
  readonly warnings: readonly string[];
}

/** Reads the ini and decides what each of its libraries is made from, before anything is compiled. */
export async function planServed({
  build,
  config,
  surroundings,
  env,
  run,
}: PreforkJob): Promise<ServedLibraries> {
  const { prefork, sourceRoot } = config;
  if (prefork === null) throw new BloomError("ERR_INTERNAL", "this app has no ini");
  const { tree, crates } = build;
  const root = sourceRoot === "" ? "" : `${sourceRoot}/`;
  const shown = await askHost(prefork, {
    run,
    root,
    stepOf: (title, command) =>
      planStep(
        { ...surroundings, targetLayer: null, host: build.host.mount },
        { phase: "compile", title, command, online: false, env },
      ),
  });
  const files = new Set(tree.list());
  const { libraries, problems } = planLibraries(shown.apps, {
    source: prefork.source,
    hasHook: config.build.hook !== null,
    crates,
    nameOf: (file) => crateNameOf(file, tree.read(file) ?? ""),
    has: (path) => files.has(path),
    placeOf: (value) => placeInIni(tree, prefork.ini, value),
  });
  assertNoProblems(problems.map((one) => ({ ...one, file: `${root}${one.file}` })));
  return { libraries, allowMismatch: shown.allow_rustc_mismatch === true, warnings: shown.warnings ?? [] };
}

/** Compiles what cargo does not: libraries of one file each. */
export async function compileFiles(
  { build, config, surroundings, env, run }: PreforkJob,
  { libraries }: ServedLibraries,
): Promise<void> {
  const stepOf = (command: readonly string[]): BuildStep =>
    planStep(
      { ...surroundings, targetLayer: null },
      { phase: "compile", title: command.join(" "), command, online: false, env },
    );
  for (const { made } of libraries) {
    if (made.from !== "file") continue;
    const { file, name } = made;
    const { profile } = config.build.cargo;
    const source = build.tree.read(file) ?? "";
    await compileFile({ file, name, source, profile, folder: surroundings.folders.app, run, stepOf });
  }
}

/** Where each library is after the build, and where its artifact has it. */
export function planPlaces(
  { tree }: Pick<PreforkBuild, "tree">,
  { build, variables }: Pick<AppConfig, "build" | "variables">,
  libraries: readonly LibraryPlan[],
): readonly LibraryPlace[] {
  const { profile, target } = build.cargo;
  const folder = profile === "dev" ? "debug" : profile;
  const settings = parseTable(tree.read(".cargo/config.toml") ?? tree.read(".cargo/config") ?? "");
  const wanted = target ?? variables["CARGO_BUILD_TARGET"] ?? asTable(settings?.["build"])["target"];
  const triples = typeof wanted === "string" && wanted !== "" ? [`target/${wanted}/`] : [];
  return libraries.map(({ path, made }): LibraryPlace => {
    const base = path.slice(path.lastIndexOf("/") + 1);
    switch (made.from) {
      case "crate":
        return {
          from: [...triples, "target/"].map((start) => `${start}${folder}/lib${made.name}.so`),
          to: path,
        };
      case "file":
        return { from: [`${rustcFolder}/lib${made.name}.so`], to: path };
      case "nothing":
        return {
          from: build.hook === null ? [path] : [path, `target/release/${base}`, `target/debug/${base}`],
          to: path,
        };
    }
  });
}
