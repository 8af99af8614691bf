import type { ManifestPath, Problem } from "@bloomery/contract";
import { folderOf, normalizePath } from "./app-folder.js";
import { describeValue } from "./describe-value.js";
import { parseToml } from "./parse-toml.js";
import { parseYaml, type IncludeSourceOf, type Parsed } from "./parse-yaml.js";
import { ignoredFolders, type ProjectFiles } from "./project-files.js";
import { loadText } from "./read-text.js";
import { fileProblem, problemAt, type Place } from "./source.js";

/** One app that the project's files describe. */
export interface AppEntry {
  /** As it is written; null when there is none. */
  readonly name: string | null;
  readonly file: string;
  /** Where it stands in the file: at the top, or below a name or a number. */
  readonly prefix: ManifestPath;
  readonly place: Place;
  /** The folder it is in: its `source.root`. */
  readonly root: string;
  /** Where its own manifest lies, for choosing by the folder somebody stands in; null when it has none of its own. */
  readonly home: string | null;
}

/** The project's apps, and what is wrong with the list itself. */
export interface AppList {
  readonly apps: readonly AppEntry[];
  readonly problems: readonly Problem[];
}

export const appFileName = ".platform.app.yaml";
export const applicationsFile = ".platform/applications.yaml";

/** A tree full of test projects must not take for ever. */
const mostManifests = 100;

const top: Place = { line: 1, column: 1 };

/** Every app of the tree: those of .platform.app.yaml in any folder, of .platform/applications.yaml, of bloom.toml. */
export function listApps(files: ProjectFiles): AppList {
  const manifests = files
    .list()
    .filter((path) => path === appFileName || path.endsWith(`/${appFileName}`))
    .filter((path) => !path.split("/").some((step) => ignoredFolders.has(step)))
    .sort((one, other) => depthOf(one) - depthOf(other))
    .slice(0, mostManifests);
  const { apps: listed, problems } = listApplications(files);
  // Alone it needs no name to be found by, and it is read only once.
  const isAlone = manifests.length === 1 && listed.length === 0;
  const single = manifests.map((file) => (isAlone ? bareEntry(file) : readEntry(files, file)));
  const apps = [...single, ...listed];
  const hasTop = listed.length > 0 || apps.some(({ root, home }) => root === "" || home === "");
  return { apps: hasTop || apps.length === 0 ? apps : [...fromBloomToml(files), ...apps], problems };
}

/** Where an app's `!include` may read: below its `source.root`, else beside the manifest. */
export function includesOf(files: ProjectFiles, file: string, prefix: ManifestPath): IncludeSourceOf {
  const home = folderOf(file);
  return (peek) => {
    const root = peek([...prefix, "source", "root"]);
    const written = typeof root === "string" ? normalizePath(root) : null;
    const standard = file === applicationsFile ? "" : home;
    return { files, folders: [...new Set([written ?? standard, standard, home])] };
  };
}

/** `source.root` as it is written, without a check. */
function rootOf(value: unknown, standard: string): string {
  const root = field(field(value, "source"), "root");
  return typeof root === "string" ? (normalizePath(root) ?? standard) : standard;
}

function bareEntry(file: string): AppEntry {
  const home = folderOf(file);
  return { name: null, file, prefix: [], place: top, root: home, home };
}

function readEntry(files: ProjectFiles, file: string): AppEntry {
  const bare = bareEntry(file);
  const source = parseFile(files, file)?.source;
  if (source === undefined || source === null) return bare;
  const name = nameIn(source.value);
  const place = source.places.find(["name"], "value");
  return { ...bare, name, place, root: rootOf(source.value, bare.root) };
}

/** Both forms: a mapping of names to apps, and a list of apps that have names. */
function listApplications(files: ProjectFiles): AppList {
  const parsed = parseFile(files, applicationsFile);
  if (parsed === null) return { apps: [], problems: [] };
  const { source } = parsed;
  if (source === null) return { apps: [], problems: parsed.problems };
  const { value } = source;
  if (value === null) return { apps: [], problems: [] };
  if (typeof value !== "object") {
    const message = `expected names with apps, or a list of apps with names, found ${describeValue(value, "yaml")}; write "my-app: { type: rust:1 }"`;
    return { apps: [], problems: [fileProblem(applicationsFile, message)] };
  }
  const isList = Array.isArray(value);
  const problems: Problem[] = [];
  const entries: [string | number, unknown][] = isList ? [...value.entries()] : Object.entries(value);
  const apps = entries.flatMap(([step, app]): AppEntry[] => {
    const isApp = app === null ? !isList : typeof app === "object" && !Array.isArray(app);
    if (!isApp) {
      const message = `expected an app with keys such as type, found ${describeValue(app, "yaml")}; write "type: rust:1" below it`;
      problems.push(problemAt(source, "error", [step], message));
      return [];
    }
    const place = source.places.find([step], "key");
    const name = isList ? nameIn(app) : String(step);
    return [{ name, file: applicationsFile, prefix: [step], place, root: rootOf(app, ""), home: null }];
  });
  return { apps, problems };
}

/** A bloom.toml at the top describes an app of its own, unless it only says where the daemon is. */
function fromBloomToml(files: ProjectFiles): AppEntry[] {
  const read = loadText(files, "bloom.toml");
  if (read === undefined) return [];
  const source = "text" in read ? parseToml("bloom.toml", read.text).source : null;
  const keys = source === null ? null : Object.keys(source.value as object);
  if (keys?.every((key) => key === "api") === true) return [];
  const name = nameIn(source?.value);
  return [{ name, file: "bloom.toml", prefix: [], place: top, root: "", home: "" }];
}

function parseFile(files: ProjectFiles, file: string): Parsed | null {
  const read = loadText(files, file);
  if (read === undefined) return null;
  if ("problem" in read) return { source: null, problems: [read.problem] };
  return parseYaml(file, read.text, includesOf(files, file, []));
}

function nameIn(value: unknown): string | null {
  const name = field(value, "name");
  return typeof name === "string" && name !== "" ? name : null;
}

function field(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}

function depthOf(path: string): number {
  return path.split("/").length;
}
