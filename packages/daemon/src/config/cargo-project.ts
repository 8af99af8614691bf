import type { Problem } from "@bloomery/contract";
import type { AppFolder } from "./app-folder.js";
import { listBinTargets } from "./cargo-bins.js";
import { listDependencies, type CargoDependency } from "./cargo-dependencies.js";
import { parseToml } from "./parse-toml.js";
import type { ProjectFiles } from "./project-files.js";
import { loadText } from "./read-text.js";
import { fileProblem } from "./source.js";

/** One package: the root's or a workspace member's. */
export interface CargoPackage {
  readonly name: string;
  /** Where it lies: empty for the root's, else a path with `/` at its end. */
  readonly folder: string;
  readonly bins: readonly string[];
  /** Sources of binaries that `[[bin]]` names, from the package's folder. */
  readonly binPaths: readonly string[];
  /** Without those of tests and of build scripts. */
  readonly dependencies: readonly CargoDependency[];
  /** Its library's name, when it is one that a program can load: `cdylib` or `dylib`. */
  readonly sharedLibrary: string | null;
  readonly defaultRun: string | null;
}

/** What Cargo.toml says, as far as starting an app needs it. */
export interface CargoProject {
  /** Cargo.toml, from the tree's top. */
  readonly file: string;
  readonly exists: boolean;
  /** Cargo.toml is there and cannot be read, so what it lacks says nothing. */
  readonly isBroken: boolean;
  readonly root: CargoPackage | null;
  readonly members: readonly CargoPackage[];
  readonly problems: readonly Problem[];
}

type Table = Readonly<Record<string, unknown>>;

const mostMembers = 200;

/** Reads Cargo.toml and those of the workspace's members. */
export function loadCargoProject(files: AppFolder): CargoProject {
  const file = files.inTree("Cargo.toml");
  const none = { file, exists: false, isBroken: false, root: null, members: [], problems: [] };
  const read = loadText(files, "Cargo.toml");
  if (read === undefined) {
    const problem = findMisspelt(files);
    return problem === null ? none : { ...none, isBroken: true, problems: [problem] };
  }
  const broken = { ...none, exists: true, isBroken: true };
  if ("problem" in read) return { ...broken, problems: [{ ...read.problem, file }] };
  const { source, problems } = parseToml(file, read.text);
  if (source === null) return { ...broken, problems };
  const manifest = asTable(source.value);
  const members = listMemberFolders(manifest, files.list())
    .map((folder) => loadCargoPackage(files, folder))
    .filter((member) => member !== null);
  return { ...none, exists: true, root: readPackage(manifest, files.list(), ""), members };
}

/** Cargo looks for `Cargo.toml` only, and only some file systems are lenient. */
function findMisspelt(files: AppFolder): Problem | null {
  const found = files.list().find((path) => path.toLowerCase() === "cargo.toml");
  if (found === undefined) return null;
  return fileProblem(
    files.inTree(found),
    `cargo reads only a file named Cargo.toml; rename it: "mv ${found} Cargo.toml"`,
  );
}

function readPackage(manifest: Table, paths: readonly string[], folder: string): CargoPackage | null {
  const table = asTable(manifest["package"]);
  const name = table["name"];
  if (typeof name !== "string" || name === "") return null;
  const defaultRun = typeof table["default-run"] === "string" ? table["default-run"] : null;
  const bins = listBinTargets(manifest, name, paths, folder);
  return {
    name,
    folder,
    bins: [...new Set(bins.map((bin) => bin.name))],
    binPaths: bins.flatMap(({ path }) => (path === null ? [] : [path])),
    dependencies: listDependencies(manifest, folder),
    sharedLibrary: findShared(manifest, name),
    defaultRun,
  };
}

function findShared(manifest: Table, packageName: string): string | null {
  const lib = asTable(manifest["lib"]);
  const types = lib["crate-type"] ?? lib["crate_type"];
  if (!Array.isArray(types) || !types.some((type) => type === "cdylib" || type === "dylib")) return null;
  return typeof lib["name"] === "string" ? lib["name"] : packageName.replaceAll("-", "_");
}

/** The package in a folder below the app's; null when there is none that can be read. */
export function loadCargoPackage(files: ProjectFiles, folder: string): CargoPackage | null {
  const file = `${folder}/Cargo.toml`;
  const read = loadText(files, file);
  if (read === undefined || "problem" in read) return null;
  const { source } = parseToml(file, read.text);
  return source === null ? null : readPackage(asTable(source.value), files.list(), `${folder}/`);
}

/** Members are paths, or patterns of which only a last `*` is understood. */
function listMemberFolders(manifest: Table, paths: readonly string[]): string[] {
  const members = asTable(manifest["workspace"])["members"];
  const patterns = (Array.isArray(members) ? members : []).filter((member) => typeof member === "string");
  const folders = paths.filter((path) => path.endsWith("/Cargo.toml")).map((path) => path.slice(0, -11));
  return folders
    .filter((folder) => patterns.some((pattern) => isMember(folder, pattern)))
    .slice(0, mostMembers);
}

function isMember(folder: string, pattern: string): boolean {
  const clean = pattern.replace(/^\.\//, "").replace(/\/$/, "");
  if (!clean.endsWith("*")) return folder === clean;
  const start = clean.slice(0, -1);
  return folder.startsWith(start) && !folder.slice(start.length).includes("/");
}

function asTable(value: unknown): Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : {};
}
