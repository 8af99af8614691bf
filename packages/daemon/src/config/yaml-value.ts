import { formatManifestPath, type ManifestPath, type Problem } from "@bloomery/contract";
import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  visit,
  type Alias,
  type Document,
  type Node,
  type Pair,
  type Scalar,
} from "yaml";
import { parseIncludeWish, type IncludeWish } from "./includes.js";
import { fileProblem, problemAt, tooDeep, type Place, type PlaceMap } from "./source.js";
import { addText, addValue, nothing, YamlTooLarge, type YamlBudget } from "./yaml-budget.js";

const deepest = 100;

/** What reading a document needs, and where its findings go. */
export interface YamlReading {
  readonly document: Document.Parsed;
  readonly file: string;
  /** Where the document's data stands: not at the top when it is included. */
  readonly path: ManifestPath;
  readonly places: PlaceMap;
  readonly problems: Problem[];
  readonly budget: YamlBudget;
  readonly placeOf: (offset: number) => Place;
  /** The value of an `!include`; `nothing` when a problem says why there is none. */
  readonly include: (wish: IncludeWish, path: ManifestPath) => unknown;
}

interface State extends YamlReading {
  readonly anchors: ReadonlyMap<Alias, Node>;
  /** The collections being read, to notice one that holds itself. */
  readonly active: Set<Node>;
  readonly prefix: ManifestPath;
}

/**
 * The document's data, or `nothing`. Keys that begin with a dot are left out, as are values with a problem.
 */
export function readYamlValue(reading: YamlReading): unknown {
  const { document, path } = reading;
  const state: State = { ...reading, anchors: findAnchors(document), active: new Set(), prefix: [] };
  return readNode(state, document.contents, path);
}

function readNode(state: State, node: unknown, path: ManifestPath): unknown {
  addValue(state.budget);
  if (path.length > deepest) throw new YamlTooLarge(tooDeep);
  if (isAlias(node)) return readAlias(state, node, path);
  const tag = foreignTagOf(node);
  if (tag !== null) return readTagged(state, node, tag, path);
  if (isScalar(node)) return readScalar(state, node.value, node.source);
  if (!isMap(node) && !isSeq(node)) return null;
  state.active.add(node);
  const value = isMap(node) ? readMap(state, node.items, path) : readList(state, node.items, path);
  state.active.delete(node);
  return value;
}

/** A file that says %YAML 1.1 has dates; they are texts to us. */
function readScalar(state: State, value: unknown, source: string | undefined): unknown {
  const plain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  const read = plain || value === null ? value : (source ?? null);
  return typeof read === "string" ? addText(state.budget, read) : read;
}

/** `!include` and `!archive` are known; any other tag is a mistake. */
function readTagged(state: State, node: unknown, tag: string, path: ManifestPath): unknown {
  if (tag === "!include") {
    const wish = readIncludeWish(node, state.anchors);
    return typeof wish === "string" ? refuse(state, path, wish) : state.include(wish, path);
  }
  if (tag !== "!archive")
    return refuse(
      state,
      path,
      `the tag ${tag.replace("tag:yaml.org,2002:", "!!")} means nothing here; remove it`,
    );
  const message = "!archive is for services; it is accepted and takes effect in a later release";
  state.problems.push(problemAt(state, "warning", path, message));
  return nothing;
}

function readAlias(state: State, alias: Alias, path: ManifestPath): unknown {
  const target = state.anchors.get(alias);
  if (target === undefined)
    return refuse(state, path, `the alias *${alias.source} has no anchor &${alias.source} before it`);
  if (state.active.has(target))
    return refuse(state, path, `the alias *${alias.source} stands inside its own anchor`);
  return readNode(state, target, path);
}

function readList(state: State, items: readonly unknown[], path: ManifestPath): unknown[] {
  const list: unknown[] = [];
  for (const [index, item] of items.entries()) {
    const here = [...path, index];
    mark(state, here, item, item);
    const value = readNode(state, isPair(item) ? item.value : item, here);
    list.push(value === nothing ? null : value);
  }
  return list;
}

function readMap(state: State, items: readonly Pair[], path: ManifestPath): Record<string, unknown> {
  const map: Record<string, unknown> = {};
  const seen = new Map<string, Place>();
  for (const pair of items) {
    if (isMergeKey(pair.key)) continue;
    const key = readKey(state, pair.key, path);
    if (key === null) continue;
    if (key.startsWith(".")) {
      noteLeftOut(state, pair, [...path, key]);
      continue;
    }
    const first = seen.get(key);
    const here = [...path, key];
    if (first === undefined) {
      mark(state, here, pair.key, pair.value);
      seen.set(key, state.places.find(here, "key"));
      assign(map, key, readNode(state, pair.value, here));
    } else {
      const message = `the key is written twice, first on line ${first.line}; keep one of them`;
      refuseKey(state, here, pair.key, message);
    }
  }
  for (const pair of items) {
    if (isMergeKey(pair.key)) merge(state, map, pair.value, path);
  }
  return map;
}

/** Among mounts and rules a dot in front is rarely meant to leave something out. */
function noteLeftOut(state: State, { key, value }: Pair, path: ManifestPath): void {
  const [parent, name] = path.slice(-2);
  const advice = {
    mounts: `write "${String(name).startsWith("..") ? "/uploads" : `/${String(name)}`}"`,
    rules: "begin the expression with ^ for any text, or with \\. for a dot",
  }[String(parent)];
  if (path.length < 2 || advice === undefined) return;
  mark(state, path, key, value);
  const message = `keys that begin with a dot are left out; ${advice}`;
  state.problems.push(problemAt(state, "warning", path, message, "key"));
}

/** `<<: *name` and `<<: [*one, *two]`: what is written in place wins. */
function merge(state: State, map: Record<string, unknown>, from: unknown, path: ManifestPath): void {
  const target = isAlias(from) ? state.anchors.get(from) : from;
  if (isSeq(target)) {
    for (const item of target.items) merge(state, map, item, path);
  } else if (isMap(target) && !state.active.has(target)) {
    state.active.add(target);
    addValue(state.budget);
    const missing = target.items.filter(
      ({ key }) => isMergeKey(key) || !Object.hasOwn(map, keyText(key) ?? ""),
    );
    for (const [key, value] of Object.entries(readMap(state, missing, path))) assign(map, key, value);
    state.active.delete(target);
  } else {
    state.problems.push(
      problemAt(state, "error", path, "`<<` takes an alias of a mapping, such as `<<: *defaults`"),
    );
  }
}

function readKey(state: State, key: unknown, path: ManifestPath): string | null {
  const node = isAlias(key) ? state.anchors.get(key) : key;
  const text = keyText(node);
  if (text === null) refuseKey(state, path, key, "a key must be a text, not a list or a mapping");
  return text;
}

/** A problem of a key that has no path of its own. */
function refuseKey(state: State, path: ManifestPath, key: unknown, message: string): void {
  const place = state.placeOf(offsetOf(key) ?? 0);
  state.problems.push({ ...fileProblem(state.file, message, place), path: formatManifestPath(path) });
}

function keyText(node: unknown): string | null {
  if (!isScalar(node)) return node === null ? "" : null;
  return typeof node.value === "string" ? node.value : (node.source ?? "");
}

function isMergeKey(key: unknown): boolean {
  if (!isScalar(key)) return false;
  const { value, source, type } = key;
  return type === "PLAIN" && (value === "<<" || (typeof value === "symbol" && source === "<<"));
}

/** `map["__proto__"] = …` would not make a key. */
function assign(map: Record<string, unknown>, key: string, value: unknown): void {
  if (value === nothing) return;
  Object.defineProperty(map, key, { value, enumerable: true, writable: true, configurable: true });
}

function refuse(state: State, path: ManifestPath, message: string): typeof nothing {
  state.problems.push(problemAt(state, "error", path, message));
  return nothing;
}

const plainTags: ReadonlySet<string> = new Set(
  ["str", "int", "float", "bool", "null", "map", "seq"].map((name) => `tag:yaml.org,2002:${name}`),
);

/** A tag that is not one of YAML's own plain ones. */
function foreignTagOf(node: unknown): string | null {
  const tag = isScalar(node) || isMap(node) || isSeq(node) ? node.tag : undefined;
  return tag === undefined || tag === "!" || plainTags.has(tag) ? null : tag;
}

/** What an `!include` asks for: a path alone, or a mapping with type and path. */
function readIncludeWish(node: unknown, anchors: ReadonlyMap<Alias, Node>): IncludeWish | string {
  if (isScalar(node)) return parseIncludeWish({ path: scalarText(node) });
  if (!isMap(node)) return parseIncludeWish({});
  const keys: Record<string, string | undefined> = {};
  for (const { key, value } of node.items) {
    const name = keyText(key);
    if (name !== "type" && name !== "path") return "an !include has the keys type and path only";
    const target = isAlias(value) ? anchors.get(value) : value;
    keys[name] = isScalar(target) ? scalarText(target) : "";
  }
  return parseIncludeWish(keys);
}

function scalarText({ value, source }: Scalar): string {
  return typeof value === "string" ? value : (source ?? "");
}

/** Aliases mean the nearest anchor of their name before them. */
function findAnchors(document: Document.Parsed): Map<Alias, Node> {
  const named = new Map<string, Node>();
  const anchors = new Map<Alias, Node>();
  visit(document, {
    Node: (_, node) => {
      if (isAlias(node)) {
        const target = named.get(node.source);
        if (target !== undefined) anchors.set(node, target);
      } else if (node.anchor !== undefined) {
        named.set(node.anchor, node);
      }
    },
  });
  return anchors;
}

/** Notes where a key and its value stand. What an alias brings in keeps the place of its anchor. */
function mark(state: State, path: ManifestPath, key: unknown, value: unknown): void {
  const at = offsetOf(key) ?? offsetOf(value) ?? 0;
  const target = isAlias(value) ? state.anchors.get(value) : value;
  const text = isScalar(target) ? target.source : undefined;
  state.places.set(path, {
    key: state.placeOf(at),
    // Nothing is written: the key is the place to look at.
    value: state.placeOf(isScalar(value) && value.value === null ? at : (offsetOf(value) ?? at)),
    ...(text === undefined ? {} : { text }),
  });
}

function offsetOf(node: unknown): number | undefined {
  if (isPair(node)) return offsetOf(node.key);
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;
}
