import { createHash, randomUUID } from "node:crypto";
import { chmod, lstat, mkdir, readdir, readlink, rename, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import { copyOutputFile, hashFile } from "./copy-output.js";
import { listNames } from "./find-entries.js";
import { findOutput, unsafe } from "./find-output.js";
import { forEachLimited } from "./for-each-limited.js";
import { formatArtifactLine, planCollect, type CollectPlan } from "./plan-collect.js";
import { removeTree } from "./remove-tree.js";

/** What came out of a build, copied and named by its content. */
export interface Artifact {
  /** sha256 over all paths, kinds, contents and exec bits. */
  readonly digest: string;
  /** Bytes of all files. */
  readonly size: number;
  readonly files: number;
  readonly warnings: readonly string[];
}

/** Immutable trees below one folder, each named by the sha256 of what it holds. */
export interface ArtifactStore {
  /**
   * Copies a work folder, without cargo's intermediates, into the store. Throws ERR_BUILD_OUTPUT_UNSAFE naming
   * the entry that cannot be taken over. No build may be running in the folder.
   */
  collect(workDir: string): Promise<Artifact>;
  has(digest: string): Promise<boolean>;
  /** Throws ERR_ARTIFACT_DAMAGED unless every byte is as it was collected. */
  verify(digest: string): Promise<void>;
  pathOf(digest: string): string;
  list(): Promise<readonly string[]>;
  remove(digest: string): Promise<void>;
}

const digestGrammar = /^[0-9a-f]{64}$/;
const tempPrefix = ".new-";

/** Opens the store, removing what an earlier crash left half-made. */
export async function openArtifactStore(dir: string): Promise<ArtifactStore> {
  await mkdir(dir, { recursive: true });
  for (const name of await readdir(dir)) if (name.startsWith(tempPrefix)) await removeTree(join(dir, name));
  const isRoot = process.getuid?.() === 0;

  const pathOf = (digest: string): string => {
    if (!digestGrammar.test(digest))
      throw new BloomError("ERR_INVALID_ARGUMENT", "an artifact is named by 64 hex digits");
    return join(dir, digest);
  };
  const has = async (digest: string): Promise<boolean> => {
    const found = await stat(pathOf(digest)).catch(() => null);
    return found?.isDirectory() === true;
  };

  return {
    async collect(workDir) {
      const plan = planCollect(await findOutput(workDir, { isRoot }));
      const refused = plan.refused[0];
      if (refused !== undefined) throw unsafe(refused.path, `it is ${refused.reason}`);
      const temp = join(dir, `${tempPrefix}${randomUUID()}`);
      try {
        const { lines, size } = await copyTree(plan, workDir, temp);
        const digest = hashLines(lines);
        if (!(await has(digest))) await rename(temp, pathOf(digest));
        return { digest, size, files: plan.files.length, warnings: plan.warnings };
      } finally {
        await removeTree(temp);
      }
    },

    has,

    async verify(digest) {
      const damaged = (cause?: unknown): BloomError =>
        new BloomError("ERR_ARTIFACT_DAMAGED", `the artifact ${digest.slice(0, 12)} is missing or damaged`, {
          cause,
        });
      const lines = await describeTree(pathOf(digest)).catch((cause: unknown) => {
        throw damaged(cause);
      });
      if (hashLines(lines) !== digest) throw damaged();
    },

    pathOf,

    async list() {
      return (await readdir(dir)).filter((name) => digestGrammar.test(name)).sort();
    },

    async remove(digest) {
      if (!(await has(digest))) return;
      // Renamed first: nobody sees an artifact that is half gone.
      const temp = join(dir, `${tempPrefix}${randomUUID()}`);
      await rename(pathOf(digest), temp);
      await removeTree(temp);
    },
  };
}

async function copyTree(
  plan: CollectPlan,
  from: string,
  to: string,
): Promise<{ readonly lines: string[]; readonly size: number }> {
  const lines: string[] = [];
  let size = 0;
  for (const folder of ["", ...plan.folders]) {
    await mkdir(join(to, folder));
    await chmod(join(to, folder), 0o755);
    if (folder !== "") lines.push(formatArtifactLine({ kind: "folder", path: folder }));
  }
  await forEachLimited(plan.files, 4, async ({ path, executable }) => {
    const copied = await copyOutputFile(join(from, path), join(to, path), executable);
    lines.push(formatArtifactLine({ kind: "file", path, executable, sha256: copied.sha256 }));
    size += copied.size;
  });
  for (const { path, target } of plan.links) {
    await symlink(target, join(to, path));
    lines.push(formatArtifactLine({ kind: "link", path, target }));
  }
  return { lines, size };
}

async function describeTree(root: string): Promise<string[]> {
  const lines: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    for (const name of (await listNames(join(root, folder))).names) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const found = await lstat(join(root, path));
      if (found.isDirectory()) {
        lines.push(formatArtifactLine({ kind: "folder", path }));
        await visit(path);
      } else if (found.isSymbolicLink()) {
        lines.push(formatArtifactLine({ kind: "link", path, target: await readlink(join(root, path)) }));
      } else {
        const executable = (found.mode & 0o111) !== 0;
        lines.push(
          formatArtifactLine({ kind: "file", path, executable, sha256: await hashFile(join(root, path)) }),
        );
      }
    }
  };
  await visit("");
  return lines;
}

function hashLines(lines: string[]): string {
  const hash = createHash("sha256");
  for (const line of lines.sort()) hash.update(`${line}\n`);
  return hash.digest("hex");
}
