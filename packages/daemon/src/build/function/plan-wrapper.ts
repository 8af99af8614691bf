import { asTable, type TomlTable } from "../toml-table.js";
import type { ManifestEdit } from "./edit-manifest.js";
import type { Handler } from "./find-handler.js";
import type { CrateTarget } from "./plan-targets.js";

export interface WrapperPlan {
  readonly bin: string;
  readonly edits: readonly ManifestEdit[];
  readonly files: readonly (readonly [string, string])[];
  readonly notes: readonly string[];
  readonly problems: readonly { readonly path: readonly string[]; readonly message: string }[];
}

/**
 * The program of a handler in a library: a binary of the same package, beside `src` so that cargo does not find it by
 * itself in any other way. A handler in a binary needs none, because the attribute gives it its `main`.
 */
export function planWrapper(project: {
  readonly handler: Handler;
  readonly targets: readonly CrateTarget[];
  readonly manifest: TomlTable;
  readonly packageName: string;
  readonly paths: readonly string[];
}): WrapperPlan {
  const { handler, targets, manifest, packageName, paths } = project;
  const { target } = handler;
  const none = { edits: [], files: [], notes: [], problems: [] };
  if (target.kind === "bin") return { ...none, bin: target.name };
  const bins = new Set(targets.filter(({ kind }) => kind === "bin").map(({ name }) => name));
  const bin = findFree(packageName, (name) => bins.has(name));
  const folder = findFree(".ignite", (name) =>
    paths.some((path) => path === name || path.startsWith(`${name}/`)),
  );
  const path = `${folder}/main.rs`;
  const library = planLibrary(asTable(manifest["lib"]));
  return {
    bin,
    edits: [...library.edits, { path: ["bin"], value: { name: bin, path }, append: true }],
    files: [[path, formatWrapper(target.name)]],
    notes: [`added the program ${bin}, which runs the handler of ${target.path}`, ...library.notes],
    problems: library.problems,
  };
}

/** Programs can only use a library that is one to Rust. */
function planLibrary(lib: TomlTable): Pick<WrapperPlan, "edits" | "notes" | "problems"> {
  if (lib["proc-macro"] === true || lib["proc_macro"] === true) {
    const message = "a crate of macros cannot hold the handler; move it to a library or a binary";
    return { edits: [], notes: [], problems: [{ path: ["lib"], message }] };
  }
  const key = lib["crate_type"] === undefined ? "crate-type" : "crate_type";
  const types = lib[key];
  if (!Array.isArray(types) || types.some((type) => ["lib", "rlib"].includes(String(type)))) {
    return { edits: [], notes: [], problems: [] };
  }
  const value = [...types.map(String), "rlib"];
  const notes = [`added the crate type rlib to ${types.join(", ")}`];
  return { edits: [{ path: ["lib", key], value }], notes, problems: [] };
}

/** `extern crate` works in every edition; lints of the project say nothing about a file its author never sees. */
function formatWrapper(library: string): string {
  return [
    "//! The program of this function: it serves the library's handler.",
    "#![allow(warnings, missing_docs, unused_crate_dependencies)]",
    `extern crate ${library} as function;`,
    "",
    "fn main() -> impl std::process::Termination {",
    "    function::__ignite_main()",
    "}",
    "",
  ].join("\n");
}

function findFree(name: string, isTaken: (name: string) => boolean): string {
  if (!isTaken(name)) return name;
  for (let number = 1; ; number++) {
    const other = `${name}-function${number === 1 ? "" : number}`;
    if (!isTaken(other)) return other;
  }
}
