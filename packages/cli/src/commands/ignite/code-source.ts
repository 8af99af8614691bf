import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { create } from "tar";
import { BloomError, ignite } from "@bloomery/contract";
import type { Context } from "../../command.js";
import { formatBytes } from "../../output/table.js";
import { listPaths } from "../../project/walk.js";

/** Code as the API takes it: base64, and the name of the file it comes from. */
export interface PackedCode {
  readonly sourceCode: string;
  readonly fileName: string;
  /** What it is, for people. */
  readonly about: string;
}

/** Reads one source file or an archive as it is; packs a folder. Throws ERR_INVALID_ARGUMENT or ERR_SOURCE_TOO_LARGE. */
export async function readCode({ cwd, signal }: Context, word: string): Promise<PackedCode> {
  const path = resolve(cwd, word);
  const entry = await stat(path).catch(() => undefined);
  if (entry === undefined) throw new BloomError("ERR_INVALID_ARGUMENT", `--code: ${path} does not exist`);
  if (entry.isDirectory()) return packFolder(path, signal);
  if (!entry.isFile() || !/\.(?:rs|zip|tar\.gz|tgz)$/.test(path)) {
    throw new BloomError("ERR_INVALID_ARGUMENT", `--code: ${path} is no code that can be sent`, {
      hint: "Give a folder with a Cargo.toml, one .rs file, a .zip or a .tar.gz.",
    });
  }
  assertSize(path, entry.size);
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new BloomError(
      "ERR_INVALID_ARGUMENT",
      `--code: ${path} cannot be read: ${(error as Error).message}`,
    );
  });
  const fileName = basename(path);
  return {
    sourceCode: bytes.toString("base64"),
    fileName,
    about: `${fileName}, ${formatBytes(bytes.length)}`,
  };
}

/** Folders that are never source. */
const neverSource: ReadonlySet<string> = new Set(["node_modules", "__pycache__", ".venv"]);

/** A tar.gz of a folder, the same bytes for the same files. */
async function packFolder(root: string, signal: AbortSignal): Promise<PackedCode> {
  const { files, links } = await listPaths(root, signal, isNeverSource(root));
  const paths = [...files, ...links].sort();
  if (paths.length === 0) {
    throw new BloomError("ERR_INVALID_ARGUMENT", `--code: there is nothing in ${root} to send`, {
      hint: "What .gitignore and .bloomignore name stays out.",
    });
  }
  if (!files.includes("Cargo.toml")) {
    throw new BloomError("ERR_INVALID_ARGUMENT", `--code: ${root} has no Cargo.toml to compile`, {
      hint: "Name the folder that has it; `bloom init --shape function` writes one, and a single .rs file needs none.",
    });
  }
  // A bare name that begins with @ would be taken for an archive.
  const pack = create(
    { cwd: root, gzip: true, portable: true, noMtime: true, noDirRecurse: true },
    paths.map((path) => `./${path}`),
  );
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of pack as unknown as AsyncIterable<Buffer>) {
    signal.throwIfAborted();
    size += chunk.length;
    assertSize(root, size);
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  return {
    sourceCode: bytes.toString("base64"),
    fileName: "source.tar.gz",
    about: `${paths.length} ${paths.length === 1 ? "file" : "files"}, ${formatBytes(bytes.length)} packed`,
  };
}

/** `target` may be a module's name, too: only what stands beside a manifest is cargo's. */
function isNeverSource(root: string): (path: string) => Promise<boolean> {
  return async (path) => {
    if (neverSource.has(basename(path))) return true;
    if (basename(path) !== "target") return false;
    return stat(join(root, dirname(path), "Cargo.toml")).then(
      () => true,
      () => false,
    );
  };
}

function assertSize(path: string, bytes: number): void {
  if (bytes <= ignite.codeBytes) return;
  throw new BloomError(
    "ERR_SOURCE_TOO_LARGE",
    `${path} is too large to be a draft: more than ${formatBytes(ignite.codeBytes)} packed`,
    {
      hint: "Keep build output and data out of it with .gitignore or .bloomignore; `bloom deploy` has no such limit.",
    },
  );
}
