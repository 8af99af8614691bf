import { createHash, randomUUID } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BloomError, parentFolders } from "@bloomery/contract";
import type { SdkMount } from "../plan-build-sandbox.js";
import { removeTree } from "../remove-tree.js";
import { asTable, parseTable } from "../toml-table.js";
import type { BundledSdk } from "./plan-dependencies.js";

/** The SDK as builds find it: two crates beside each other, at a place that no project has. */
export interface Sdk extends BundledSdk {
  /** Of everything in it. */
  readonly digest: string;
  /** The oldest rustc that compiles it. */
  readonly rustVersion: string;
  /** The Cargo.lock of the smallest app; null: it has none, and cargo chooses versions. */
  readonly lockfile: string | null;
  readonly mount: SdkMount;
}

/** Crates of one kind: the one that people name, and what belongs to it, each in a folder of the source. */
export interface SdkKind {
  /** The first is the one that people name. */
  readonly folders: readonly [string, ...string[]];
  /** In the first folder. */
  readonly lockfile: string;
  /** Who is built with them, in words. */
  readonly users: string;
}

const functionSdk: SdkKind = {
  folders: ["ignite", "ignite-macros"],
  lockfile: "function.lock",
  users: "functions",
};

/** Cargo takes a file for changed that is younger than what was compiled of it. */
const longAgo = new Date("2020-01-01T00:00:00Z");

/**
 * Copies the SDK's crates out of the checkout or the package once, into a folder named by what it holds, with times
 * that are the same on every machine. Where builds see it, its name is part of the path too: another SDK is another
 * crate to cargo, so nothing that was compiled of an older one is ever taken for this one's.
 */
export async function openSdk(source: string, home: string, kind: SdkKind = functionSdk): Promise<Sdk> {
  const files = await readCrates(source, kind);
  const [main] = kind.folders;
  const hash = createHash("sha256");
  for (const [path, bytes] of files) hash.update(`${JSON.stringify(path)} ${bytes.length}\n`).update(bytes);
  const digest = hash.digest("hex");
  const folder = join(home, digest);
  if (!(await isFolder(folder))) await copy(files, folder);
  for (const name of await readdir(home)) if (name !== digest) await removeTree(join(home, name));
  const crate = asTable(parseTable(files.get(`${main}/Cargo.toml`)?.toString() ?? "")?.["package"]);
  const target = `/sdk/${digest.slice(0, 16)}`;
  return Object.freeze({
    digest,
    version: textOf(crate["version"]) ?? "0.0.0",
    rustVersion: textOf(crate["rust-version"]) ?? "1.0",
    path: `${target}/${main}`,
    lockfile: files.get(`${main}/${kind.lockfile}`)?.toString() ?? null,
    mount: Object.freeze({ source: folder, target }),
  });
}

/** What cargo needs of the crates, and nothing that only serves their own tests. Sorted by path. */
async function readCrates(source: string, kind: SdkKind): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const visit = async (path: string): Promise<void> => {
    const entries = await readdir(join(source, path), { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const below = `${path}/${entry.name}`;
      if (entry.isDirectory()) await visit(below);
      else if (entry.isFile()) files.set(below, await readFile(join(source, below)));
    }
  };
  try {
    for (const crate of kind.folders) {
      files.set(`${crate}/Cargo.toml`, await readFile(join(source, crate, "Cargo.toml")));
      await visit(`${crate}/src`);
    }
  } catch (cause) {
    throw new BloomError(
      "ERR_TOOLCHAIN_MISSING",
      `the crates that ${kind.users} are built with are not in ${source}`,
      {
        hint: "Install Bloomery again, or name their folder with --sdk when the daemon is started.",
        cause,
      },
    );
  }
  const lockfile = `${kind.folders[0]}/${kind.lockfile}`;
  const text = await readFile(join(source, lockfile)).catch(() => null);
  if (text !== null) files.set(lockfile, text);
  return files;
}

async function copy(files: ReadonlyMap<string, Buffer>, folder: string): Promise<void> {
  const temp = join(dirname(folder), `.new-${randomUUID()}`);
  try {
    const folders = new Set([...files.keys()].flatMap(parentFolders));
    // Builds have other users than the daemon, whose umask is its own.
    for (const path of ["", ...[...folders].sort()]) {
      await mkdir(join(temp, path));
      await chmod(join(temp, path), 0o755);
    }
    for (const [path, bytes] of files) {
      const file = join(temp, path);
      await writeFile(file, bytes);
      await chmod(file, 0o644);
      await utimes(file, longAgo, longAgo);
    }
    await rename(temp, folder);
  } finally {
    await removeTree(temp);
  }
}

const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null);

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true;
}
