import { posix } from "node:path";
import type { PreforkSource } from "@bloomery/contract";
import type { CodeProblem } from "../function/code-problems.js";
import type { ShownApp } from "../../config/parse-shown.js";

/** One library of an app: its place below `/app`, and what it is made from. */
export interface LibraryPlan {
  readonly path: string;
  /** Functions of the classic kind that are called in it; empty: it is of the safe kind. */
  readonly functions: readonly string[];
  readonly made:
    /** By cargo, under this name. */
    | { readonly from: "crate"; readonly name: string }
    /** By rustc, of this file. */
    | { readonly from: "file"; readonly file: string; readonly name: string }
    /** It lies there, or a script puts it there. */
    | { readonly from: "nothing" };
}

/** What the project has that libraries can be made from. */
export interface LibraryFacts {
  readonly source: PreforkSource;
  /** Whether a script of the project's own is run. */
  readonly hasHook: boolean;
  /** The libraries of the project's packages, by their names to cargo. */
  readonly crates: readonly string[];
  /** Of files that rustc takes as they are: their names as crates. */
  readonly nameOf: (file: string) => string;
  /** Whether the project's folder has this file. */
  readonly has: (path: string) => boolean;
  /** Where a value stands in the ini. */
  readonly placeOf: (value: string) => Pick<CodeProblem, "file" | "line" | "column">;
}

const root = "/app";

/** Decides for each library that the ini names what it is made from. A problem says what must be written otherwise. */
export function planLibraries(
  apps: readonly ShownApp[],
  facts: LibraryFacts,
): { readonly libraries: readonly LibraryPlan[]; readonly problems: readonly CodeProblem[] } {
  if (apps.length === 0) {
    const message = "the ini names no library; write `dlopen = ./libapp.so` with your library's name";
    return { libraries: [], problems: [{ ...facts.placeOf("["), message }] };
  }
  const problems: CodeProblem[] = [];
  const byPath = new Map<string, { readonly app: ShownApp; readonly functions: Set<string> }>();
  for (const app of apps) {
    const path = pathOf(app);
    if (path === null) {
      problems.push({ ...facts.placeOf(app.library_as_written), message: explainOutside(app) });
      continue;
    }
    const one = byPath.get(path) ?? { app, functions: new Set() };
    if (app.function !== null) one.functions.add(app.function);
    byPath.set(path, one);
  }
  const isOnly = byPath.size === 1;
  const libraries = [...byPath].flatMap(([path, { app, functions }]): LibraryPlan[] => {
    const made = planMaking(path, facts, isOnly);
    if (typeof made !== "string") return [{ path, functions: [...functions], made }];
    problems.push({ ...facts.placeOf(app.library_as_written), message: made });
    return [];
  });
  return { libraries, problems };
}

/** What is wrong with a library that is elsewhere. */
export function explainOutside({ library_as_written: written }: ShownApp): string {
  return `dlopen = ${written} lies outside of the app's folder, which is all that is deployed; put the library into it and write its path from there`;
}

/** Below `/app`; null when it is not. */
function pathOf({ library }: ShownApp): string | null {
  const path = posix.resolve(root, library);
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : null;
}

/** A text says why it cannot be made. */
function planMaking(path: string, facts: LibraryFacts, isOnly: boolean): LibraryPlan["made"] | string {
  if (facts.hasHook) return { from: "nothing" };
  const name = /^lib(.+)\.so$/.exec(posix.basename(path))?.[1] ?? "";
  switch (facts.source.kind) {
    case "prebuilt":
      return facts.has(path) ? { from: "nothing" } : `there is no ${path} in the app's folder`;
    case "cargo": {
      if (facts.crates.includes(name)) return { from: "crate", name };
      if (facts.has(path)) return { from: "nothing" };
      const [only, ...others] = facts.crates;
      if (isOnly && only !== undefined && others.length === 0) return { from: "crate", name: only };
      return `no package here makes ${posix.basename(path)}; write ${listNames(facts.crates)}`;
    }
    case "files": {
      const files = facts.source.files.map((file) => ({ file, name: facts.nameOf(file) }));
      const found = files.filter((one) => one.name === name);
      const [one, ...more] = found.length > 0 || facts.has(path) || !isOnly ? found : files;
      if (one !== undefined && more.length === 0) return { from: "file", ...one };
      if (one === undefined && facts.has(path)) return { from: "nothing" };
      if (found.length > 1)
        return `${found.map(({ file }) => file).join(" and ")} both make ${posix.basename(path)}; keep one of them`;
      const made = files.map((each) => `${each.file} makes lib${each.name}.so`).join(", ");
      return `nothing here makes ${posix.basename(path)} (${made}); write ${listNames(files.map((each) => each.name))}`;
    }
  }
}

/** The libraries there are, as the ini would name them. */
function listNames(names: readonly string[]): string {
  return [...new Set(names)].map((name) => `dlopen = ./lib${name}.so`).join(" or ");
}
