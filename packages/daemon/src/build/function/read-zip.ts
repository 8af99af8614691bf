import { crc32 } from "node:zlib";
import { BloomError, sourceLimits } from "@bloomery/contract";
import { fromBufferPromise, type Entry, type ZipFile } from "yauzl";
import { fileEntry, type ArchiveEntry } from "../archive-entry.js";
import { unreadable, unsafeEntry } from "./refuse.js";

/**
 * Reads a zip by its index, entry by entry; nothing is repaired. Throws ERR_SOURCE_INCOMPLETE for an archive that
 * was cut off, ERR_INVALID_ARGUMENT for one that is damaged or locked, ERR_SOURCE_UNSAFE for a name that is not
 * UTF-8.
 */
export async function* readZip(bytes: Buffer): AsyncGenerator<ArchiveEntry> {
  const zip = await inWords(() =>
    fromBufferPromise(bytes, { decodeStrings: false, validateEntrySizes: true }),
  );
  const entries = zip.eachEntry();
  let packed = 0;
  for (;;) {
    const next = await inWords(() => entries.next());
    if (next.done === true) return;
    packed += next.value.compressedSize;
    // Entries that share bytes are the trick of archives that unpack to far more than they could hold.
    if (packed > bytes.length) throw unreadable("zip", "its entries overlap");
    yield await toArchiveEntry(zip, next.value);
  }
}

const unixHosts = new Set([3, 19]);
const kinds = { mask: 0o170000, folder: 0o040000, link: 0o120000, file: 0o100000 } as const;

async function toArchiveEntry(zip: ZipFile, entry: Entry): Promise<ArchiveEntry> {
  const path = decodeName(entry);
  const mode = unixHosts.has(entry.versionMadeBy >> 8) ? entry.externalFileAttributes >>> 16 : 0;
  const kind = mode & kinds.mask;
  const body = readBody(zip, entry, path);
  const common = { ...fileEntry(path, Buffer.alloc(0), (mode & 0o111) !== 0), body };
  if (path.endsWith("/") || kind === kinds.folder) {
    if (entry.uncompressedSize > 0) throw unsafeEntry(path, "it is a folder with content of its own");
    return { ...common, path: path.endsWith("/") ? path : `${path}/`, type: "folder" };
  }
  assertOpen(entry, path);
  if (kind === kinds.link) {
    if (entry.uncompressedSize > sourceLimits.pathBytes)
      throw unsafeEntry(path, "it is a link with too long a target");
    return { ...common, type: "symlink", linkTarget: decodeText(Buffer.concat(await collect(body)), path) };
  }
  if (kind !== 0 && kind !== kinds.file) {
    return { ...common, type: "other", typeName: "a device, a pipe or a socket" };
  }
  return { ...common, type: "file", size: entry.uncompressedSize };
}

function assertOpen(entry: Entry, path: string): void {
  const name = JSON.stringify(path);
  if (entry.isEncrypted()) throw unreadable("zip", `${name} is locked with a password`);
  if (entry.compressionMethod === 0 || entry.compressionMethod === 8) return;
  throw unreadable("zip", `${name} is packed by method ${entry.compressionMethod}; only deflate is known`);
}

async function* readBody(zip: ZipFile, entry: Entry, path: string): AsyncGenerator<Buffer> {
  let sum = 0;
  try {
    for await (const chunk of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) {
      sum = crc32(chunk, sum);
      yield chunk;
    }
  } catch (cause) {
    throw cause instanceof BloomError
      ? cause
      : unreadable("zip", `${JSON.stringify(path)} is damaged`, cause);
  }
  if (sum !== entry.crc32)
    throw unreadable("zip", `${JSON.stringify(path)} does not have the checksum it should`);
}

/**
 * Names are UTF-8, also where nothing says so: guessing at an old code page would lay out a file that no `mod` line
 * finds. Some Windows programs separate folders by backslashes.
 */
function decodeName(entry: Entry): string {
  const unicode = entry.extraFields.find(({ id }) => id === 0x7075)?.data;
  // The second name counts only for the first one that it was made for.
  const isOwn =
    unicode !== undefined && unicode.length > 5 && unicode.readUInt32LE(1) === crc32(entry.fileNameRaw);
  const name = isOwn ? unicode.subarray(5) : entry.fileNameRaw;
  return decodeText(name, entry.fileNameRaw.toString("latin1")).replaceAll("\\", "/");
}

function decodeText(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw unsafeEntry(
      path,
      "its name is not UTF-8",
      "Rename it with plain letters, and pack the code again.",
    );
  }
}

async function collect(body: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  for await (const part of body) parts.push(part);
  return parts;
}

async function inWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    if (!/^(?:End of central directory|unexpected EOF)/.test(what)) throw unreadable("zip", what, cause);
    throw new BloomError("ERR_SOURCE_INCOMPLETE", "the zip archive stops before its end", {
      hint: "Send it again; should that not help, pack it again.",
      cause,
    });
  }
}
