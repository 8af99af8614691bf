import { createHash, randomUUID } from "node:crypto";
import { chmod, lstat, mkdir, readdir, readlink, rename, rm, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import { describeEntries, readIndex, writeIndex } from "./artifact-index.js";
import { copyOutputFile, hashFile } from "./copy-output.js";
import { listNames } from "./find-entries.js";
import { findOutput, locateIn, unsafe } from "./find-output.js";
import { forEachLimited } from "./for-each-limited.js";
import type { TargetLayer } from "./plan-build-sandbox.js";
import { formatArtifactLine, planCollect, type CollectPlan, type OutputEntry } from "./plan-collect.js";
import { takeLibraries, type LibraryPlace } from "./prefork/take-libraries.js";
import { takeProgram, type ProgramPlace } from "./take-program.js";
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

export interface CollectOptions {
  /** Where cargo's target folder is, when it lies over a template. */
  readonly targetLayer?: TargetLayer | null;
  /** Paths of folders that an artifact must have, because nothing can be made in it later. */
  readonly mountPoints?: readonly string[];
  /** The one thing to take out of a folder. */
  readonly program?: ProgramPlace | null;
  /** Libraries that get a place of their own, and the folder of which nothing else is taken over. */
  readonly libraries?: {
    readonly places: readonly LibraryPlace[];
    readonly leaveOut: string | null;
  } | null;
}

/** Immutable trees below one folder, each named by the sha256 of what it holds. */
export interface ArtifactStore {
  /**
   * Copies a work folder, without cargo's intermediates, into the store. Throws ERR_BUILD_OUTPUT_UNSAFE naming
   * the entry that cannot be taken over. No build may be running in the folder.
   */
  collect(workDir: string, options?: CollectOptions): Promise<Artifact>;
  has(digest: string): Promise<boolean>;
  /** Throws ERR_ARTIFACT_DAMAGED unless every byte is as it was collected. */
  verify(digest: string): Promise<void>;
  /** As `verify`, but looks at names, modes, sizes and times only: quick enough for every deployment. */
  check(digest: string): Promise<void>;
  /** Milliseconds since 1970 when it was last collected or checked. */
  usedAt(digest: string): Promise<number>;
  pathOf(digest: string): string;
  list(): Promise<readonly string[]>;
  remove(digest: string): Promise<void>;
  /** Removes damaged artifacts that were replaced at least so long ago. */
  removePutAside(olderThanMs: number): Promise<void>;
}

const digestGrammar = /^[0-9a-f]{64}$/;
const tempPrefix = ".new-";
/** Put aside instead of removed: an instance may still run from it for a while. */
const damagedPrefix = ".damaged-";

/** Opens the store, removing what an earlier crash left half-made. */
export async function openArtifactStore(dir: string): Promise<ArtifactStore> {
  await mkdir(dir, { recursive: true });
  for (const name of await readdir(dir))
    if (name.startsWith(tempPrefix) || name.endsWith(".files.new")) await removeTree(join(dir, name));
  const isRoot = process.getuid?.() === 0;

  const pathOf = (digest: string): string => {
    if (!digestGrammar.test(digest))
      throw new BloomError("ERR_INVALID_ARGUMENT", "an artifact is named by 64 hex digits");
    return join(dir, digest);
  };
  const indexOf = (digest: string): string => `${pathOf(digest)}.files`;
  const has = async (digest: string): Promise<boolean> => {
    const found = await stat(pathOf(digest)).catch(() => null);
    return found?.isDirectory() === true;
  };

  const damaged = (digest: string, cause?: unknown): BloomError =>
    new BloomError("ERR_ARTIFACT_DAMAGED", `the artifact ${digest.slice(0, 12)} is missing or damaged`, {
      hint: "Deploy its source again; it is then built anew.",
      cause,
    });

  const verify = async (digest: string): Promise<void> => {
    const lines = await describeTree(pathOf(digest)).catch((cause: unknown) => {
      throw damaged(digest, cause);
    });
    if (hashLines(lines) !== digest) throw damaged(digest);
  };

  const check = async (digest: string): Promise<void> => {
    const index = await readIndex(indexOf(digest));
    const found = await describeEntries(pathOf(digest)).catch((cause: unknown) => {
      throw damaged(digest, cause);
    });
    if (index === found) return;
    if (index !== null) throw damaged(digest);
    await verify(digest);
    await writeIndex(indexOf(digest), found);
  };

  /** Gives a new tree its name, unless there is a sound one of that name. */
  const place = async (digest: string, temp: string): Promise<void> => {
    if (await has(digest)) {
      const isSound = await check(digest).then(
        () => true,
        () => false,
      );
      if (isSound) return;
      await rename(pathOf(digest), join(dir, `${damagedPrefix}${randomUUID()}`));
    }
    await writeIndex(indexOf(digest), await describeEntries(temp));
    await rename(temp, pathOf(digest));
  };

  return {
    async collect(workDir, { targetLayer = null, mountPoints = [], program = null, libraries = null } = {}) {
      const found = await findOutput(workDir, { isRoot, targetLayer });
      const moved = takeOut(found, program, libraries);
      const plan = planCollect(moved.entries, mountPoints);
      const refused = plan.refused[0];
      if (refused !== undefined) throw unsafe(refused.path, `it is ${refused.reason}`);
      const temp = join(dir, `${tempPrefix}${randomUUID()}`);
      try {
        const locate = locateIn(workDir, targetLayer);
        const source = (path: string): string => locate(moved.from.get(path) ?? path);
        const { lines, size } = await copyTree(plan, source, temp);
        const digest = hashLines(lines);
        await place(digest, temp);
        return { digest, size, files: plan.files.length, warnings: plan.warnings };
      } finally {
        await removeTree(temp);
      }
    },

    has,

    verify,

    check,

    async usedAt(digest) {
      const found = await stat(indexOf(digest)).catch(() => stat(pathOf(digest)));
      return found.mtimeMs;
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
      await rm(indexOf(digest), { force: true });
      await removeTree(temp);
    },

    async removePutAside(olderThanMs) {
      for (const name of await readdir(dir)) {
        if (!name.startsWith(damagedPrefix)) continue;
        // Renaming sets the time of change.
        const { ctimeMs } = await stat(join(dir, name));
        if (Date.now() - ctimeMs >= olderThanMs) await removeTree(join(dir, name));
      }
    },
  };
}

/** What of the output is somewhere else in the artifact: its paths there and here. */
function takeOut(
  found: readonly OutputEntry[],
  program: ProgramPlace | null,
  libraries: CollectOptions["libraries"] | null,
): { readonly entries: readonly OutputEntry[]; readonly from: ReadonlyMap<string, string> } {
  if (libraries) return takeLibraries(found, libraries.places, libraries.leaveOut);
  if (program === null) return { entries: found, from: new Map() };
  const { entries, from } = takeProgram(found, program);
  return { entries, from: new Map([[program.to, from]]) };
}

async function copyTree(
  plan: CollectPlan,
  locate: (path: string) => string,
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
    const copied = await copyOutputFile(locate(path), join(to, path), executable);
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
