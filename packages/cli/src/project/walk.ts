import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import ignore, { type Ignore } from "ignore";
import { BloomError, type SourceEntry } from "@bloomery/contract";
import type { HashCache } from "./hash-cache.js";

/** A project's source as it will be uploaded. */
export interface WalkedProject {
  readonly entries: readonly SourceEntry[];
  /** sha256 → a file that has this content. */
  readonly files: ReadonlyMap<string, string>;
  readonly bytes: number;
}

interface Scope {
  readonly prefix: string;
  readonly rules: Ignore;
}

/**
 * Lists a project: what `.gitignore` and `.bloomignore` leave out at any level stays out, and so do `.git` and
 * cargo's target folders. Throws ERR_SOURCE_UNSAFE for what is neither file, folder nor link.
 */
export async function walkProject(root: string, cache: HashCache): Promise<WalkedProject> {
  const entries: SourceEntry[] = [];
  const files = new Map<string, string>();
  let bytes = 0;

  const visit = async (folder: string, scopes: readonly Scope[]): Promise<void> => {
    const inner = [...scopes, ...(await readRules(root, folder))];
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (isLeftOut(path, entry.isDirectory(), inner)) continue;
      const full = join(root, path);
      if (entry.isDirectory()) {
        if (entry.name !== ".git" && !(await isCargoTarget(full))) await visit(path, inner);
      } else if (entry.isSymbolicLink()) {
        entries.push({ kind: "link", path, target: await readlink(full) });
      } else if (entry.isFile()) {
        const stat = await lstat(full);
        const sha256 = await cache.hash(full, stat, () => hashFile(full));
        entries.push({ kind: "file", path, executable: (stat.mode & 0o100) !== 0, sha256, size: stat.size });
        files.set(sha256, full);
        bytes += stat.size;
      } else {
        throw new BloomError(
          "ERR_SOURCE_UNSAFE",
          `${path} is a device, a pipe or a socket and cannot be part of a source`,
          {
            where: { file: path },
          },
        );
      }
    }
  };
  await visit("", []);
  entries.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { entries, files, bytes };
}

async function readRules(root: string, folder: string): Promise<Scope[]> {
  const texts = await Promise.all(
    [".gitignore", ".bloomignore"].map((name) => readFile(join(root, folder, name), "utf8").catch(() => "")),
  );
  const text = texts.join("\n");
  return text.trim() === "" ? [] : [{ prefix: folder === "" ? "" : `${folder}/`, rules: ignore().add(text) }];
}

/** The innermost file that says something about a path decides, as in git. */
function isLeftOut(path: string, isFolder: boolean, scopes: readonly Scope[]): boolean {
  for (const { prefix, rules } of scopes.toReversed()) {
    const verdict = rules.test(path.slice(prefix.length) + (isFolder ? "/" : ""));
    if (verdict.ignored) return true;
    if (verdict.unignored) return false;
  }
  return false;
}

/** Cargo marks the folders it may throw away. */
async function isCargoTarget(folder: string): Promise<boolean> {
  const tag = await readFile(join(folder, "CACHEDIR.TAG"), "utf8").catch(() => "");
  return tag.startsWith("Signature: 8a477f597d28d172789f06886806bc55");
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
