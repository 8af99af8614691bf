import { z } from "zod";
import { hasControlCharacters } from "./control-characters.js";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits");

/** One entry of a source tree as it is uploaded; folders are implied by their files. */
export const sourceEntry = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("file"),
    path: z.string(),
    executable: z.boolean(),
    sha256,
    /** Bytes. */
    size: z.number().int().min(0),
  }),
  z.strictObject({ kind: z.literal("link"), path: z.string(), target: z.string() }),
]);
export type SourceEntry = z.infer<typeof sourceEntry>;

/** What one source tree may hold. */
export const sourceLimits = Object.freeze({
  entries: 100_000,
  /** Sum over all files. */
  bytes: 2 * 1024 ** 3,
  pathBytes: 1024,
  nameBytes: 255,
});

/** Why a tree is refused: the entry it is about, and the reason as the end of a sentence. */
export interface SourceProblem {
  readonly path: string;
  readonly reason: string;
  readonly kind: "unsafe" | "too-large";
}

/**
 * Checks a whole tree: every path by itself, no two entries in each other's way, links that stay inside,
 * and the limits. Null means that the tree may be laid out below any folder without leaving it.
 */
export function findSourceProblem(entries: readonly SourceEntry[]): SourceProblem | null {
  if (entries.length > sourceLimits.entries) {
    return { path: "", reason: `there are more than ${sourceLimits.entries} entries`, kind: "too-large" };
  }
  const links = new Map<string, string>();
  const paths = new Set<string>();
  let bytes = 0;
  for (const entry of entries) {
    const reason = findPathProblem(entry.path);
    if (reason !== null) return { path: entry.path, reason, kind: "unsafe" };
    if (paths.has(entry.path)) return { path: entry.path, reason: "it is listed twice", kind: "unsafe" };
    paths.add(entry.path);
    if (entry.kind === "link") links.set(entry.path, entry.target);
    else bytes += entry.size;
    if (bytes > sourceLimits.bytes) {
      return {
        path: entry.path,
        reason: `all files together exceed ${sourceLimits.bytes} bytes`,
        kind: "too-large",
      };
    }
  }
  for (const entry of entries) {
    const above = parentFolders(entry.path).find((folder) => paths.has(folder));
    if (above !== undefined) {
      return { path: entry.path, reason: `it lies below ${above}, which is not a folder`, kind: "unsafe" };
    }
    if (entry.kind === "link" && !isLinkInside(entry.path, links)) {
      return { path: entry.path, reason: `it links to ${entry.target}, out of the tree`, kind: "unsafe" };
    }
  }
  return null;
}

/** Why `path` cannot be an entry of a source tree; null when it can. */
export function findPathProblem(path: string): string | null {
  if (path === "") return "its path is empty";
  if (path.startsWith("/")) return "its path is absolute";
  if (hasControlCharacters(path)) return "its path has control characters";
  if (/\p{Surrogate}/u.test(path)) return "its path is not valid Unicode";
  if (byteLength(path) > sourceLimits.pathBytes) return `its path exceeds ${sourceLimits.pathBytes} bytes`;
  for (const name of path.split("/")) {
    if (name === "") return "its path has an empty segment";
    if (name === "." || name === "..") return `its path has a \`${name}\` segment`;
    if (name === ".git") return "it belongs to .git";
    if (byteLength(name) > sourceLimits.nameBytes)
      return `a name in its path exceeds ${sourceLimits.nameBytes} bytes`;
  }
  return null;
}

/** Every folder above `path`, outermost first: `a/b/c` gives `a` and `a/b`. */
export function parentFolders(path: string): string[] {
  const folders: string[] = [];
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) folders.push(path.slice(0, at));
  return folders;
}

/**
 * Follows `path` as a kernel would, given the links of the tree (path → target); the result has no link in
 * it. Null: it leaves the tree, is absolute (unless below `root`, where the tree will be mounted), or loops.
 */
export function resolveInTree(
  path: string,
  links: ReadonlyMap<string, string>,
  root?: string,
): string | null {
  const pending = path.split("/").reverse();
  const done: string[] = [];
  let hops = 0;
  while (pending.length > 0) {
    const name = pending.pop();
    if (name === undefined || name === "" || name === ".") continue;
    if (name === "..") {
      if (done.pop() === undefined) return null;
      continue;
    }
    done.push(name);
    const target = links.get(done.join("/"));
    if (target === undefined) continue;
    // The kernel gives up after 40 links, too.
    if (++hops > 40) return null;
    done.pop();
    if (target.startsWith("/")) {
      if (root === undefined || !`${target}/`.startsWith(`${root}/`)) return null;
      done.length = 0;
      pending.push(...target.slice(root.length).split("/").reverse());
    } else {
      pending.push(...target.split("/").reverse());
    }
  }
  return done.join("/");
}

function isLinkInside(path: string, links: ReadonlyMap<string, string>): boolean {
  const target = links.get(path) ?? "";
  if (target === "" || target.includes("\0") || /\p{Surrogate}/u.test(target)) return false;
  return byteLength(target) <= sourceLimits.pathBytes && resolveInTree(path, links) !== null;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
