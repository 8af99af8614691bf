import { BloomError } from "@bloomery/contract";
import type { ArchiveEntry } from "./archive-entry.js";
import { openByteReader } from "./byte-reader.js";

const block = 512;
/** Long names and pax records; anything larger is not a source tree. */
const maxMetaBytes = 64 * 1024;
/** Archives are padded to full records; more than this after the end is not padding. */
const maxPaddingBytes = 1024 * 1024;

const typeNames: Readonly<Record<string, string>> = {
  "3": "a character device",
  "4": "a block device",
  "6": "a fifo",
  S: "a sparse file",
  M: "a multi-volume part",
};

/**
 * Reads ustar, pax and GNU archives strictly and entry by entry; nothing is repaired or guessed. Ends only at
 * the archive's end mark: a stream that stops before it throws ERR_SOURCE_INCOMPLETE, one that is not a tar
 * throws ERR_INVALID_ARGUMENT.
 */
export async function* readTar(stream: AsyncIterable<Uint8Array>): AsyncGenerator<ArchiveEntry> {
  const reader = openByteReader(stream);
  // Names and sizes that extended headers give to the entry after them.
  let override: Overrides = {};
  for (;;) {
    const header = await need(reader.take(block));
    if (isZero(header)) {
      if (!isZero(await need(reader.take(block)))) throw damaged("an end mark stands between entries");
      await reader.drain(maxPaddingBytes);
      return;
    }
    const fields = parseHeader(header);
    if ("xgLK".includes(fields.flag)) {
      Object.assign(override, await readMeta(reader, fields));
      continue;
    }
    const size = override.size ?? fields.size;
    const body = reader.slice(size);
    yield {
      path: override.path ?? fields.path,
      type: entryType(fields.flag, override.path ?? fields.path),
      typeName: typeNames[fields.flag] ?? `an entry of type ${JSON.stringify(fields.flag)}`,
      linkTarget: override.linkTarget ?? fields.linkTarget,
      executable: (fields.mode & 0o111) !== 0,
      size,
      body,
    };
    override = {};
    for await (const skipped of body) void skipped;
    await need(reader.take(padding(size)));
  }
}

interface Overrides {
  readonly path?: string;
  readonly linkTarget?: string;
  readonly size?: number;
}

interface Header {
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  readonly flag: string;
  readonly linkTarget: string;
}

function parseHeader(header: Buffer): Header {
  let sum = 8 * 0x20;
  for (let index = 0; index < block; index++) if (index < 148 || index >= 156) sum += header[index] ?? 0;
  if (parseNumber(header.subarray(148, 156)) !== sum) throw damaged("a header's checksum is wrong");
  const isUstar = header.toString("latin1", 257, 263) === "ustar\0";
  const prefix = isUstar ? parseText(header.subarray(345, 500)) : "";
  const name = parseText(header.subarray(0, 100));
  const flag = String.fromCharCode(header[156] ?? 0);
  return {
    path: prefix === "" ? name : `${prefix}/${name}`,
    mode: parseNumber(header.subarray(100, 108)),
    // Links and folders have no body whatever their size field says.
    size: "123456".includes(flag) ? 0 : parseNumber(header.subarray(124, 136)),
    flag: flag === "\0" || flag === "7" ? "0" : flag,
    linkTarget: parseText(header.subarray(157, 257)),
  };
}

function entryType(flag: string, path: string): ArchiveEntry["type"] {
  // Before ustar a folder was a file with a slash at its end.
  if (flag === "0") return path.endsWith("/") ? "folder" : "file";
  const types: Readonly<Record<string, ArchiveEntry["type"]>> = {
    "1": "hardlink",
    "2": "symlink",
    "5": "folder",
  };
  return types[flag] ?? "other";
}

async function readMeta(reader: ReturnType<typeof openByteReader>, header: Header): Promise<Overrides> {
  if (header.size > maxMetaBytes) throw damaged("a name or an extended header is too long");
  const body = await need(reader.take(header.size));
  await need(reader.take(padding(header.size)));
  if (header.flag === "L") return { path: parseText(body) };
  if (header.flag === "K") return { linkTarget: parseText(body) };
  // Global records say things like a commit id; a path or size for all entries would be nonsense.
  return header.flag === "g" ? {} : parsePax(body);
}

function parsePax(body: Buffer): Overrides {
  const found: { path?: string; linkTarget?: string; size?: number } = {};
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at);
    const digits = space === -1 ? "" : body.toString("latin1", at, space);
    const length = /^[1-9]\d{0,6}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    if (length === 0 || end > body.length || end <= space || body[end - 1] !== 0x0a) {
      throw damaged("an extended header is malformed");
    }
    const record = decodeUtf8(body.subarray(space + 1, end - 1));
    const equals = record.indexOf("=");
    const key = record.slice(0, equals);
    const value = record.slice(equals + 1);
    if (key === "path") found.path = value;
    if (key === "linkpath") found.linkTarget = value;
    if (key === "size") {
      if (!/^\d{1,15}$/.test(value)) throw damaged("an extended header has a malformed size");
      found.size = Number(value);
    }
    if (key.startsWith("GNU.sparse")) throw damaged("it holds a sparse file");
    at = end;
  }
  return found;
}

/** Octal text, or GNU's big-endian binary form for large values. */
function parseNumber(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) !== 0) {
    let value = (field[0] ?? 0) & 0x7f;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    if (!Number.isSafeInteger(value)) throw damaged("a header has a number that is too large");
    return value;
  }
  const text = field
    .toString("latin1")
    .replace(/[\0 ]+$/, "")
    .trimStart();
  if (!/^[0-7]*$/.test(text)) throw damaged("a header has a malformed number");
  return text === "" ? 0 : Number.parseInt(text, 8);
}

function parseText(field: Buffer): string {
  const end = field.indexOf(0);
  return decodeUtf8(end === -1 ? field : field.subarray(0, end));
}

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new BloomError("ERR_SOURCE_UNSAFE", "the archive has an entry whose name is not UTF-8");
  }
}

async function need(part: Promise<Buffer | null>): Promise<Buffer> {
  const bytes = await part;
  if (bytes === null) throw new BloomError("ERR_SOURCE_INCOMPLETE", "the archive stops before its end");
  return bytes;
}

function padding(size: number): number {
  return (block - (size % block)) % block;
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}

function damaged(what: string): BloomError {
  return new BloomError("ERR_INVALID_ARGUMENT", `the upload is not a tar archive that can be read: ${what}`, {
    hint: "Send an uncompressed tar, such as `git archive --format=tar HEAD` writes.",
  });
}
