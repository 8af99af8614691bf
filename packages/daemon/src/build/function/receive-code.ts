import { createGunzip } from "node:zlib";
import { Readable } from "node:stream";
import { BloomError } from "@bloomery/contract";
import { fileEntry, type ArchiveEntry } from "../archive-entry.js";
import { readTar } from "../read-tar.js";
import type { SourceStore } from "../source-store.js";
import { codeLimits, type CodeLimits } from "./code-limits.js";
import { detectFormat } from "./detect-format.js";
import { assertSize, limitEntries } from "./limit-entries.js";
import { planOneFile } from "./plan-one-file.js";
import { planRoot } from "./plan-root.js";
import { readFolder } from "./read-folder.js";
import { readZip } from "./read-zip.js";
import { tooLarge, unreadable } from "./refuse.js";

/** A function's code as it was sent: an archive or one `.rs` file, or a folder of this machine. */
export type Code =
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "folder"; readonly path: string };

/**
 * Keeps a function's code as a source tree with `Cargo.toml` at its root; all or nothing. Throws
 * ERR_INVALID_ARGUMENT, ERR_SOURCE_UNSAFE, ERR_SOURCE_TOO_LARGE, ERR_SOURCE_INCOMPLETE or ERR_MANIFEST_INVALID.
 */
export async function receiveCode(
  store: Pick<SourceStore, "receiveEntries">,
  code: Code,
  options: {
    /** Names the crate of a single file. */
    readonly app: string;
    readonly limits?: CodeLimits;
  },
): Promise<{ readonly tree: string }> {
  const { app, limits = codeLimits } = options;
  if (code.kind === "folder") {
    return store.receiveEntries(limitEntries(readFolder(code.path), limits, null), planRoot);
  }
  const { bytes } = code;
  if (bytes.length > limits.packedBytes) throw tooLarge(`it exceeds ${limits.packedBytes} bytes`, { limits });
  return store.receiveEntries(limitEntries(readCode(bytes, app, limits), limits, bytes.length), planRoot);
}

function readCode(bytes: Buffer, app: string, limits: CodeLimits): AsyncIterable<ArchiveEntry> {
  switch (detectFormat(bytes)) {
    case "zip":
      return readZip(bytes);
    case "tar.gz":
      return readTarInWords(gunzip(bytes, limits));
    case "tar":
      return readTarInWords(Readable.from([bytes]));
    default:
      return readTexts(planOneFile(app, bytes.toString("utf8")));
  }
}

/** Counts what comes out: headers and padding are no entry's bytes. */
async function* gunzip(bytes: Buffer, limits: CodeLimits): AsyncGenerator<Buffer> {
  const unpacked = Readable.from([bytes]).pipe(createGunzip());
  let size = 0;
  try {
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      size += chunk.length;
      assertSize(size - limits.entries * 1024, bytes.length, limits);
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof BloomError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === "Z_BUF_ERROR") {
      throw new BloomError("ERR_SOURCE_INCOMPLETE", "the tar.gz archive stops before its end", { cause });
    }
    throw unreadable("tar.gz", "what gzip packed is damaged", cause);
  }
}

/** The reader of plain uploads advises against compressing, which is no advice here. */
async function* readTarInWords(stream: AsyncIterable<Uint8Array>): AsyncGenerator<ArchiveEntry> {
  try {
    yield* readTar(stream);
  } catch (cause) {
    if (!(cause instanceof BloomError) || cause.code !== "ERR_INVALID_ARGUMENT") throw cause;
    throw unreadable("tar.gz", cause.message.replace(/^.*can be read: /, ""), cause);
  }
}

async function* readTexts(texts: ReadonlyMap<string, string>): AsyncGenerator<ArchiveEntry> {
  for (const [path, text] of texts) yield await Promise.resolve(fileEntry(path, Buffer.from(text)));
}
