import { isDeepStrictEqual } from "node:util";
import type { TomlTable } from "../toml-table.js";
import { acceptsVersion } from "./accepts-version.js";
import { featuresOf, listDependencies, type WrittenDependency } from "./dependency-tables.js";
import { formatLock, readLock, type Lock, type LockEntry } from "./lock-entries.js";
import { defaultCrates } from "./plan-dependencies.js";

export interface LockPlan {
  /** Null: none is laid over; cargo makes one. */
  readonly text: string | null;
  /** True: it names everything the manifest needs, so cargo has no choice left. */
  readonly isComplete: boolean;
}

/**
 * The lockfile a build begins with. The function's own decides first; whatever it does not mention has the versions
 * that the platform's compiled dependencies were made of. Without either, cargo chooses.
 */
export function planLockfile(wish: {
  readonly own: string | null;
  readonly bundled: string | null;
  readonly crate: { readonly name: string; readonly version: string };
  /** As it will be built. */
  readonly manifest: TomlTable;
  /** Default: what functions have. */
  readonly sdk?: LockedSdk;
}): LockPlan {
  const { crate, manifest, sdk = functionSdk } = wish;
  const isSdk = (name: string): boolean => sdk.crates.includes(name);
  const bundled = wish.bundled === null ? null : readLock(wish.bundled);
  if (bundled === null) return { text: null, isComplete: false };
  const own = wish.own === null ? null : readLock(wish.own);
  // What is not a lockfile is for cargo to complain about.
  if (wish.own !== null && own === null) return { text: null, isComplete: false };
  const root = findRoot(bundled.entries, isSdk);
  // Two packages of one name cannot be told apart by what stands below.
  if (bundled.entries.some((entry) => entry !== root && entry.name === crate.name)) {
    return { text: wish.own, isComplete: false };
  }
  const added = bundled.entries.filter((entry) => entry !== root);
  if (own === null) {
    const entry: LockEntry = { ...crate, fields: {}, dependencies: root?.dependencies ?? [] };
    const isComplete = root !== null && isAlone(manifest) && sdk.isPlain(listDependencies(manifest), bundled);
    return { text: formatLock(bundled.version, [...added, entry]), isComplete };
  }
  const kept = own.entries.filter(({ name, fields }) => fields["source"] !== undefined || !isSdk(name));
  const more = added.filter((entry) => isSdk(entry.name) || !kept.some((one) => isSameLine(one, entry)));
  const adapted = more.map((entry) => ({
    ...entry,
    dependencies: entry.dependencies.map((one) => settle(one, kept)),
  }));
  return { text: formatLock(own.version, [...kept, ...adapted]), isComplete: false };
}

/** The crates of the platform's own in a lockfile. */
export interface LockedSdk {
  readonly crates: readonly string[];
  /** True when these dependencies are those of the smallest app and no others, in just that way. */
  isPlain(found: readonly WrittenDependency[], bundled: Lock): boolean;
}

const functionSdk: LockedSdk = { crates: ["ignite", "ignite-macros"], isPlain };

/** The package that nothing else in the file needs: the one the file was made for. */
function findRoot(entries: readonly LockEntry[], isSdk: (name: string) => boolean): LockEntry | null {
  const own = entries.filter(({ name, fields }) => fields["source"] === undefined && !isSdk(name));
  return own.length === 1 ? (own[0] ?? null) : null;
}

/** Versions that one build would not have both of. */
function isSameLine(a: { name: string; version: string }, b: { name: string; version: string }): boolean {
  return a.name === b.name && lineOf(a.version) === lineOf(b.version);
}

function lineOf(version: string): string {
  const [major = "", minor = "", patch = ""] = version.split(".");
  if (major !== "0") return major;
  return minor === "0" ? `0.0.${patch}` : `0.${minor}`;
}

function settle(
  wanted: LockEntry["dependencies"][number],
  kept: readonly LockEntry[],
): LockEntry["dependencies"][number] {
  const other = kept.find((entry) => isSameLine(entry, wanted));
  return other === undefined ? wanted : { name: other.name, version: other.version };
}

function isAlone(manifest: TomlTable): boolean {
  return !["workspace", "patch", "replace"].some((name) => manifest[name] !== undefined);
}

/** True when the manifest asks for the crates that every function gets, in just that way, and for nothing else. */
function isPlain(found: readonly WrittenDependency[], bundled: Lock): boolean {
  return found.length === defaultCrates.length + 1 && found.every((one) => isDefault(one, bundled));
}

function isDefault({ path, key, crate, table }: WrittenDependency, bundled: Lock): boolean {
  if (path.length !== 2 || path[0] !== "dependencies" || key !== crate) return false;
  if (key === "ignite") return Object.keys(table).join(",") === "path";
  const wanted = defaultCrates.find(({ name }) => name === crate);
  const locked = bundled.entries.filter(({ name }) => name === crate);
  const { version, features: _features, ...others } = table;
  if (wanted === undefined || locked.length !== 1 || Object.keys(others).length > 0) return false;
  const isSame = isDeepStrictEqual(new Set(featuresOf(table)), new Set(wanted.features));
  return isSame && typeof version === "string" && acceptsVersion(version, locked[0]?.version ?? "");
}
