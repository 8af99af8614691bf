import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { BloomError, findSourceProblem, type SourceEntry } from "@bloomery/contract";
import type { HashCache } from "./hash-cache.js";
import { isLeftOut, readIgnoreRules, type IgnoreRules } from "./ignore-rules.js";

/** A project's source as it will be uploaded. */
export interface WalkedProject {
  readonly entries: readonly SourceEntry[];
  /** sha256 → a file that has this content. */
  readonly files: ReadonlyMap<string, string>;
  readonly bytes: number;
}

/** Files looked at at the same time: enough to keep the disk busy, few enough for any limit on open files. */
const lanes = 16;

/**
 * Lists a project: what `.gitignore` and `.bloomignore` leave out at any level stays out, and so do `.git` and
 * cargo's target folders. Throws ERR_SOURCE_UNSAFE for what is neither file, folder nor link and for links out of
 * the tree, ERR_SOURCE_TOO_LARGE, and the signal's reason.
 */
export async function walkProject(
  root: string,
  cache: HashCache,
  signal?: AbortSignal,
): Promise<WalkedProject> {
  const found = await listPaths(root, signal);
  const links = await Promise.all(
    found.links.map(async (path) => ({
      kind: "link" as const,
      path,
      target: await readlink(join(root, path)),
    })),
  );
  const entries: SourceEntry[] = [...links];
  const files = new Map<string, string>();
  let bytes = 0;
  const queue = found.files.values();
  const work = async (): Promise<void> => {
    for (const path of queue) {
      signal?.throwIfAborted();
      const full = join(root, path);
      const stat = await lstat(full).catch((error: unknown) => explainUnreadable(path, error));
      if (stat === undefined) continue;
      const sha256 = await cache
        .hash(full, stat, () => hashFile(full))
        .catch((error: unknown) => explainUnreadable(path, error));
      if (sha256 === undefined) continue;
      entries.push({ kind: "file", path, executable: (stat.mode & 0o100) !== 0, sha256, size: stat.size });
      files.set(sha256, full);
      bytes += stat.size;
    }
  };
  await Promise.all(Array.from({ length: lanes }, work));
  entries.sort((a, b) => (a.path < b.path ? -1 : 1));
  assertSafe(entries);
  return { entries, files, bytes };
}

export interface ListedProject {
  readonly files: readonly string[];
  readonly links: readonly string[];
  /** "" for the root itself. */
  readonly folders: readonly string[];
}

/** The paths of everything that belongs to the source; `leavesOut` is asked about each folder. */
export async function listPaths(
  root: string,
  signal?: AbortSignal,
  leavesOut: (path: string) => Promise<boolean> = async () => false,
): Promise<ListedProject> {
  const files: string[] = [];
  const links: string[] = [];
  const folders: string[] = [];
  const visit = async (folder: string, outer: readonly IgnoreRules[]): Promise<void> => {
    signal?.throwIfAborted();
    folders.push(folder);
    const rules = [...outer, ...(await readIgnoreRules(root, folder))];
    const content = await readdir(join(root, folder), { withFileTypes: true }).catch((error: unknown) =>
      explainUnreadable(folder, error),
    );
    for (const entry of content ?? []) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      // `.git` is a file in a worktree.
      if (entry.name === ".git" || isLeftOut(path, entry.isDirectory(), rules)) continue;
      if (entry.isSymbolicLink()) links.push(path);
      else if (entry.isFile()) files.push(path);
      else if (!entry.isDirectory()) {
        throw unsafe(path, "it is a device, a pipe or a socket");
      } else if (!(await isCargoTarget(join(root, path))) && !(await leavesOut(path)))
        await visit(path, rules);
    }
  };
  await visit("", []);
  return { files, links, folders };
}

/** The daemon checks the same; here it is said before anything is sent. */
function assertSafe(entries: readonly SourceEntry[]): void {
  const problem = findSourceProblem(entries);
  if (problem === null) return;
  if (problem.kind === "unsafe") throw unsafe(problem.path, problem.reason);
  throw new BloomError("ERR_SOURCE_TOO_LARGE", `the source is too large: ${problem.reason}`);
}

function unsafe(path: string, reason: string): BloomError {
  return new BloomError("ERR_SOURCE_UNSAFE", `${path} cannot be part of a source: ${reason}`, {
    where: { file: path },
  });
}

/** Nothing for what has vanished since it was listed; a sentence for what may not be read. */
function explainUnreadable(path: string, error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (path.includes("\uFFFD")) throw unsafe(path, "its name is not valid UTF-8");
  if (code === "ENOENT") return undefined;
  if (code !== "EACCES" && code !== "EPERM") throw error;
  throw new BloomError("ERR_INVALID_ARGUMENT", `${path} may not be read by you`, {
    hint: "Change its permissions, or add it to .bloomignore.",
    where: { file: path },
  });
}

/** Cargo marks the folders it may throw away. */
async function isCargoTarget(folder: string): Promise<boolean> {
  const tag = await readFile(join(folder, "CACHEDIR.TAG"), "utf8").catch(() => "");
  return tag.startsWith("Signature: 8a477f597d28d172789f06886806bc55");
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
