import { createHash } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, lstat, readlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { completeConfig, type AppConfig, type SourceEntry } from "@bloomery/contract";
import { onTestFinished } from "vitest";
import { removeTree } from "../../src/build/remove-tree.js";
import type { SourceStore } from "../../src/build/source-store.js";

const repository = resolve(dirname(fileURLToPath(import.meta.url)), "../../../..");

/** A folder that goes when the test ends, also when a build made parts of it unreadable. */
export async function makeTempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "bloomery-build-"));
  onTestFinished(() => removeTree(dir));
  return dir;
}

/** A copy of one of the programs in fixtures/apps. */
export async function copyFixture(name: string): Promise<string> {
  const dir = join(await makeTempDir(), name);
  await cp(join(repository, "fixtures/apps", name), dir, { recursive: true });
  return dir;
}

export const sha256 = (text: string | Buffer): string => createHash("sha256").update(text).digest("hex");

export function fileEntry(path: string, text = "", executable = false): SourceEntry & { kind: "file" } {
  return { kind: "file", path, executable, sha256: sha256(text), size: Buffer.byteLength(text) };
}

export function linkEntry(path: string, target: string): SourceEntry {
  return { kind: "link", path, target };
}

export interface TarPart {
  readonly path: string;
  readonly body?: string | Buffer;
  /** ustar type: 0 file, 1 hard link, 2 symlink, 3 and 4 devices, 5 folder, 6 fifo. */
  readonly type?: string;
  readonly link?: string;
  readonly mode?: number;
  readonly size?: number;
}

/** Writes a ustar archive, also ones that no tar program would write. */
export function makeTar(parts: readonly TarPart[], options: { end?: boolean } = {}): Buffer {
  const blocks: Buffer[] = [];
  for (const part of parts) {
    const body = Buffer.from(part.body ?? "");
    const header = Buffer.alloc(512);
    header.write(part.path, 0, 100);
    header.write(`${(part.mode ?? 0o644).toString(8).padStart(7, "0")}\0`, 100);
    header.write(`${(part.size ?? body.length).toString(8).padStart(11, "0")}\0`, 124);
    header.write(part.type ?? "0", 156);
    header.write(part.link ?? "", 157, 100);
    header.write("ustar\x0000", 257, "latin1");
    header.write("        ", 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    blocks.push(header, body, Buffer.alloc((512 - (body.length % 512)) % 512));
  }
  if (options.end !== false) blocks.push(Buffer.alloc(1024));
  return Buffer.concat(blocks);
}

/** The bytes in pieces of this size, as a network would bring them. */
export async function* streamOf(bytes: Buffer, piece = 700): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += piece)
    yield await Promise.resolve(bytes.subarray(at, at + piece));
}

/** Uploads files given as path → text; `link: target` for links, `!path` for executables. */
export async function uploadFiles(
  store: SourceStore,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const entries: SourceEntry[] = [];
  const bodies = new Map<string, string>();
  for (const [name, text] of Object.entries(files)) {
    if (text.startsWith("link: ")) entries.push(linkEntry(name, text.slice(6)));
    else entries.push(fileEntry(name.replace(/^!/, ""), text, name.startsWith("!")));
    bodies.set(sha256(text), text);
  }
  const plan = await store.planUpload(entries);
  const parts = plan.missing.map((path) => ({ path, body: bodies.get(path) ?? "" }));
  await store.receiveBlobs(plan.tree, streamOf(makeTar(parts)));
  return plan.tree;
}

/** Uploads a folder as it is. */
export async function uploadFolder(store: SourceStore, dir: string): Promise<string> {
  const files: Record<string, string> = {};
  for (const [path, text] of Object.entries(await readTree(dir))) {
    const isExecutable = !text.startsWith("link: ") && ((await lstat(join(dir, path))).mode & 0o111) !== 0;
    files[isExecutable ? `!${path}` : path] = text;
  }
  return uploadFiles(store, files);
}

/** Every file and link below a folder: path → text or `link: target`. */
export async function readTree(dir: string): Promise<Record<string, string>> {
  // A map, because a file may be called `__proto__`.
  const found = new Map<string, string>();
  const visit = async (folder: string): Promise<void> => {
    for (const name of (await readdir(join(dir, folder))).sort()) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const stat = await lstat(join(dir, path));
      if (stat.isDirectory()) await visit(path);
      else if (stat.isSymbolicLink()) found.set(path, `link: ${await readlink(join(dir, path))}`);
      else if (stat.isFile()) found.set(path, await readFile(join(dir, path), "utf8"));
      else found.set(path, "(special)");
    }
  };
  await visit("");
  return Object.fromEntries(found);
}

export async function makeFolder(...parts: string[]): Promise<string> {
  const dir = join(...parts);
  await mkdir(dir, { recursive: true });
  return dir;
}

/** The shim that was built for this checkout; null when there is none yet. */
export function findShim(): string | null {
  return findProgram("BLOOM_SHIM", "bloom-shim");
}

/** One of the Rust programs, where a variable names it or the checkout has it. */
export function findProgram(variable: string, name: string): string | null {
  for (const path of [process.env[variable], join(repository, ".bloom/bin", name)]) {
    if (path === undefined || path === "") continue;
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // try the next
    }
  }
  return null;
}

/** A web app's configuration, plain cargo unless a hook is given. */
export function makeConfig(
  change: { hook?: string | null; profile?: string; name?: string } = {},
): AppConfig {
  const cargo = {
    profile: change.profile ?? "release",
    features: [],
    package: null,
    bin: null,
    target: null,
  };
  return completeConfig({
    name: change.name ?? "probe",
    build: { hook: change.hook ?? null, cargo },
    web: { start: "./target/release/probe" },
  });
}
