import type { ManifestPath, Problem } from "@bloomery/contract";
import { problemAt, type Source } from "./source.js";

/** A manifest in today's words, and remarks about the old ones that were in it. */
export interface Modernized {
  readonly source: Source;
  readonly problems: readonly Problem[];
}

type Table = Readonly<Record<string, unknown>>;

/** Old keys of `web` that describe its one location, and what they are called inside of it. */
const locationKeys = {
  document_root: "root",
  passthru: "passthru",
  index_files: "index",
  expires: "expires",
  whitelist: "rules",
  blacklist: "rules",
} as const;
type OldKey = keyof typeof locationKeys;
const oldKeys = Object.keys(locationKeys) as OldKey[];

/** Puts the spellings of earlier years into those of today, so that everything after this knows one form. */
export function modernize(source: Source): Modernized {
  const { value } = source;
  if (!isTable(value)) return { source, problems: [] };
  const problems: Problem[] = [];
  const state: State = { source, problems };
  const renamed = modernizeMounts(state, modernizeToolstack(state, value), []);
  const { web } = renamed;
  if (!isTable(web)) return { source: { ...source, value: renamed }, problems };
  const modern = modernizeMounts(state, modernizeWeb(state, web), ["web"]);
  return { source: { ...source, value: { ...renamed, web: modern } }, problems };
}

interface State {
  readonly source: Source;
  readonly problems: Problem[];
}

/** `toolstack: "rust:1"`. */
function modernizeToolstack(state: State, value: Table): Table {
  const { toolstack, ...rest } = value;
  if (toolstack === undefined) return value;
  if (value["type"] !== undefined) {
    remark(state, ["toolstack"], "this is an old form of `type`, which is there as well; remove it");
    return rest;
  }
  remark(state, ["toolstack"], "this is an old form; write `type` instead");
  copyPlaces(state, ["toolstack"], ["type"]);
  return { ...rest, type: toolstack };
}

/** `"/path": "shared:files/folder"`. */
function modernizeMounts(state: State, value: Table, path: ManifestPath): Table {
  const { mounts } = value;
  if (!isTable(mounts)) return value;
  const entries = Object.entries(mounts).map(([name, mount]): [string, unknown] => {
    const folder = typeof mount === "string" ? /^shared:files(?:\/(.*))?$/.exec(mount) : null;
    if (folder === null) return [name, mount];
    const here = [...path, "mounts", name];
    const modern = { source: "local", source_path: folder[1] ?? "" };
    remark(state, here, `this is an old form; write { source: local, source_path: "${modern.source_path}" }`);
    return [name, modern];
  });
  return { ...value, mounts: Object.fromEntries(entries) };
}

/** `document_root` and its neighbours become the location `/`. */
function modernizeWeb(state: State, web: Table): Table {
  const written = oldKeys.filter((key) => web[key] !== undefined && web[key] !== null);
  if (written.length === 0) return web;
  const rest = Object.fromEntries(Object.entries(web).filter(([key]) => !isOldKey(key)));
  if (web["locations"] !== undefined) {
    for (const key of written) {
      const message = `this old form cannot stand beside web.locations; move it to ${describeNew(key)}`;
      state.problems.push(problemAt(state.source, "error", ["web", key], message, "key"));
    }
    return rest;
  }
  for (const key of written) {
    remark(state, ["web", key], `this is an old form; write ${describeNew(key)} instead`);
    if (locationKeys[key] !== "rules")
      copyPlaces(state, ["web", key], ["web", "locations", "/", locationKeys[key]]);
  }
  return { ...rest, locations: { "/": foldLocation(web) } };
}

function foldLocation(web: Table): Table {
  const root = web["document_root"];
  // What is denied comes first: the first rule that matches decides.
  const lists = [web["blacklist"], web["whitelist"]];
  const wrong = lists.find((list) => list !== undefined && list !== null && !Array.isArray(list));
  const rules = wrong ?? { ...listRules(lists[0], false), ...listRules(lists[1], true) };
  return {
    ...(root === undefined
      ? {}
      : { root: typeof root === "string" ? root.replace(/^\/+/, "") || "." : root }),
    ...pick(web, "passthru", "passthru"),
    ...pick(web, "index_files", "index"),
    ...pick(web, "expires", "expires"),
    // A list of what may be served denies all else.
    ...(Array.isArray(web["whitelist"]) ? { allow: false } : {}),
    ...(isTable(rules) && Object.keys(rules).length === 0 ? {} : { rules }),
  };
}

function listRules(patterns: unknown, allow: boolean): Table {
  if (!Array.isArray(patterns)) return {};
  return Object.fromEntries(patterns.map((pattern) => [scalarText(pattern), { allow }]));
}

/** What is no text gives a rule that is refused for having no pattern. */
function scalarText(pattern: unknown): string {
  return typeof pattern === "string" || typeof pattern === "number" ? String(pattern) : "";
}

function pick(web: Table, from: OldKey, to: string): Table {
  return web[from] === undefined ? {} : { [to]: web[from] };
}

function describeNew(key: OldKey): string {
  return `web.locations./.${locationKeys[key]}`;
}

function isOldKey(key: string): key is OldKey {
  return Object.hasOwn(locationKeys, key);
}

function remark({ source, problems }: State, path: ManifestPath, message: string): void {
  problems.push(problemAt(source, "warning", path, message, "key"));
}

function copyPlaces({ source }: State, from: ManifestPath, to: ManifestPath): void {
  source.places.copy([...source.prefix, ...from], [...source.prefix, ...to]);
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
