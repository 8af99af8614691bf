import { parentFolders, type SourceEntry } from "@bloomery/contract";

/** What a lay left in the work folder, so that the next one can tell what a build changed since. */
export interface LaidTree {
  readonly tree: string;
  /** By path: what was written there and how the file system described it right after. */
  readonly files: ReadonlyMap<string, LaidFile>;
}

export interface LaidFile {
  /** See `contentKey`. */
  readonly content: string;
  /** Type, mode, owner, size, inode and times in one text; a build cannot forge the change time. */
  readonly stamp: string;
}

/** Something found in the work folder, looked at without following links. */
export interface FoundEntry {
  readonly path: string;
  readonly kind: "file" | "link" | "folder" | "other";
  readonly stamp: string;
  /** A link's target, else null. */
  readonly target: string | null;
  /** A folder that cargo marked as its cache: its untracked contents were not looked at. */
  readonly cache: boolean;
  /** A folder whose mode or owner is not what a lay makes. */
  readonly odd: boolean;
}

export interface LayPlan {
  /** Paths to remove with everything below, parents before children. */
  readonly remove: readonly string[];
  /** Folders whose mode and owner must be set again. */
  readonly repair: readonly string[];
  /** Entries to write, replacing what is there. */
  readonly write: readonly SourceEntry[];
  /** Entries left untouched. */
  readonly keep: readonly SourceEntry[];
}

/** What decides whether a file must be written again. */
export function contentKey(entry: SourceEntry): string {
  return entry.kind === "file" ? `${entry.sha256}${entry.executable ? "+x" : ""}` : `-> ${entry.target}`;
}

/** The folders that exist because entries lie below them. */
export function wantedFolders(entries: readonly SourceEntry[]): Set<string> {
  return new Set(entries.flatMap((entry) => parentFolders(entry.path)));
}

/**
 * Decides how the work folder becomes the next tree. Only entries whose content or mode differs are written,
 * so that cargo sees new times on exactly those; whatever else a build left goes, except cargo's own caches
 * and a lockfile cargo made beside a manifest (without it every build would resolve dependencies anew).
 * `found` lists parents before children.
 */
export function planLay(
  previous: LaidTree | null,
  next: readonly SourceEntry[],
  found: readonly FoundEntry[],
): LayPlan {
  const wanted = new Map(next.map((entry) => [entry.path, entry]));
  const folders = wantedFolders(next);
  const withCaches = foldersWithCaches(found);
  const remove: string[] = [];
  const repair: string[] = [];
  const keep: SourceEntry[] = [];
  const kept = new Set<string>();

  for (const entry of found) {
    if (isBelow(entry.path, remove.at(-1))) continue;
    const want = wanted.get(entry.path);
    if (want !== undefined) {
      if (isAsLaid(previous, want, entry)) {
        keep.push(want);
        kept.add(want.path);
      } else if (entry.kind === "folder") {
        remove.push(entry.path);
      }
    } else if (folders.has(entry.path)) {
      if (entry.kind !== "folder") remove.push(entry.path);
      else if (entry.odd) repair.push(entry.path);
    } else if (!withCaches.has(entry.path) && !isGeneratedLockfile(entry, wanted)) {
      remove.push(entry.path);
    }
  }
  return { remove, repair, write: next.filter((entry) => !kept.has(entry.path)), keep };
}

function isAsLaid(previous: LaidTree | null, want: SourceEntry, found: FoundEntry): boolean {
  if (want.kind === "link") return found.kind === "link" && found.target === want.target;
  const laid = previous?.files.get(want.path);
  return found.kind === "file" && laid?.content === contentKey(want) && laid.stamp === found.stamp;
}

function isGeneratedLockfile(entry: FoundEntry, wanted: ReadonlyMap<string, SourceEntry>): boolean {
  if (entry.kind !== "file" || !/(^|\/)Cargo\.lock$/.test(entry.path)) return false;
  return wanted.has(entry.path.replace(/Cargo\.lock$/, "Cargo.toml"));
}

/** Cache folders and the folders on the way to them. */
function foldersWithCaches(found: readonly FoundEntry[]): Set<string> {
  const caches = found.filter((entry) => entry.kind === "folder" && entry.cache);
  return new Set(caches.flatMap((entry) => [...parentFolders(entry.path), entry.path]));
}

function isBelow(path: string, folder: string | undefined): boolean {
  return folder !== undefined && path.startsWith(`${folder}/`);
}
