import { join } from "node:path";
import { BloomError, type LocationConfig } from "@bloomery/contract";
import type { RouteMount } from "./plan-routes.js";

/** Folders that stand for a prefix: where they lie in the app and on this machine. */
export interface PlaceFolder {
  /** Relative to the app, without slashes at its ends; "" is the app itself. */
  readonly path: string;
  readonly source: string;
  /** The mount it lies in, on this machine: its content is the app's, so links in it are not followed. */
  readonly mount: string | null;
}

/** One prefix that nginx tells apart. */
export interface Place {
  /** Without a slash at its end; "" is `/`. */
  readonly prefix: string;
  /** The prefix of the location that decides; shorter than `prefix` where a mount lies below its folder. */
  readonly locationPrefix: string;
  readonly location: LocationConfig;
  /** Null: nothing static below this prefix. */
  readonly folder: PlaceFolder | null;
}

export interface PlaceFacts {
  readonly locations: Readonly<Record<string, LocationConfig>>;
  readonly artifactDir: string | null;
  readonly mounts: readonly RouteMount[];
}

/**
 * Every prefix of an app with what lies behind it. A location without a root has that of the nearest location
 * above, with the whole path below that one; a mount below a location's folder gets a place of its own.
 */
export function resolvePlaces({ locations, artifactDir, mounts }: PlaceFacts): readonly Place[] {
  const byPrefix = new Map(Object.entries(locations).map(([path, one]) => [trimPrefix(path), one]));
  const folderOf = (path: string): PlaceFolder | null => findFolder(path, artifactDir, mounts);
  const places: Place[] = [];
  for (const [prefix, location] of byPrefix) {
    const path = findPath(prefix, byPrefix);
    const folder = path === null ? null : folderOf(path);
    places.push({ prefix, locationPrefix: prefix, location, folder });
    if (path === null || folder === null) continue;
    for (const mount of mounts) {
      if (!isBelow(mount.path, path)) continue;
      const own = `${prefix}/${mount.path.slice(path === "" ? 0 : path.length + 1)}`;
      if (findNearest(own, byPrefix) !== prefix) continue;
      places.push({ prefix: own, locationPrefix: prefix, location, folder: folderOf(mount.path) });
    }
  }
  return places.sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
}

/** The place a request path belongs to; undefined when there is no location `/`. */
export function findPlace(places: readonly Place[], path: string): Place | undefined {
  const fitting = places.filter(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`));
  return fitting.toSorted((a, b) => b.prefix.length - a.prefix.length)[0];
}

/** Where in the app the folder behind a prefix is; null: no location on the way up has a root. */
function findPath(prefix: string, byPrefix: ReadonlyMap<string, LocationConfig>): string | null {
  for (let at: string | null = prefix; at !== null; at = parentOf(at)) {
    const root = byPrefix.get(at)?.root ?? null;
    if (root === null) continue;
    if (root.split("/").includes("..")) {
      throw new BloomError("ERR_INTERNAL", `the root \`${root}\` leaves the app's tree`);
    }
    return join(root, prefix.slice(at.length)).replace(/^[./]+$|^\.?\/+|\/+$/g, "");
  }
  return null;
}

function findNearest(path: string, byPrefix: ReadonlyMap<string, LocationConfig>): string | null {
  for (let at: string | null = path; at !== null; at = parentOf(at)) if (byPrefix.has(at)) return at;
  return null;
}

function findFolder(
  path: string,
  artifactDir: string | null,
  mounts: readonly RouteMount[],
): PlaceFolder | null {
  const inside = mounts
    .filter((mount) => path === mount.path || isBelow(path, mount.path))
    .toSorted((a, b) => b.path.length - a.path.length)[0];
  if (inside !== undefined) {
    const source = join(inside.source, path.slice(inside.path.length));
    return { path, source: source.replace(/\/+$/, ""), mount: inside.source };
  }
  if (artifactDir === null) return null;
  return { path, source: join(artifactDir, path).replace(/\/+$/, ""), mount: null };
}

function isBelow(path: string, folder: string): boolean {
  return path !== folder && (folder === "" || path.startsWith(`${folder}/`));
}

function parentOf(prefix: string): string | null {
  return prefix === "" ? null : prefix.slice(0, prefix.lastIndexOf("/"));
}

function trimPrefix(path: string): string {
  if (path.startsWith("/")) return path.replace(/\/+$/, "");
  throw new BloomError("ERR_INTERNAL", `the location \`${path}\` does not start with a slash`);
}
