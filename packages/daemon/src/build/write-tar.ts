import { createReadStream } from "node:fs";
import type { SourceTree } from "./source-tree.js";

const block = 512;

/** A source tree as a tar, the same bytes for the same tree: no times, no owners. */
export async function* writeTar(tree: Pick<SourceTree, "entries" | "blobPath">): AsyncGenerator<Buffer> {
  for (const entry of tree.entries) {
    if (entry.kind === "link") {
      yield* writeHeaders({ path: entry.path, link: entry.target, mode: 0o777, size: 0 });
      continue;
    }
    yield* writeHeaders({
      path: entry.path,
      link: null,
      mode: entry.executable ? 0o755 : 0o644,
      size: entry.size,
    });
    yield* createReadStream(tree.blobPath(entry.sha256)) as AsyncIterable<Buffer>;
    yield padding(entry.size);
  }
  yield Buffer.alloc(2 * block);
}

interface Header {
  readonly path: string;
  readonly link: string | null;
  readonly mode: number;
  readonly size: number;
}

/** Names that do not fit into a header, or are not plain ASCII, come before it in one of their own. */
function* writeHeaders(header: Header): Generator<Buffer> {
  const long = [
    ...(fits(header.path) ? [] : [formatRecord("path", header.path)]),
    ...(header.link === null || fits(header.link) ? [] : [formatRecord("linkpath", header.link)]),
  ];
  if (long.length > 0) {
    const records = Buffer.concat(long);
    yield formatHeader({ path: "pax", link: null, mode: 0o644, size: records.length }, "x");
    yield records;
    yield padding(records.length);
  }
  yield formatHeader(header, header.link === null ? "0" : "2");
}

function fits(text: string): boolean {
  return /^[\x20-\x7e]{1,100}$/.test(text);
}

/** `length key=value\n`, where the length counts its own digits. */
function formatRecord(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length++;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

function formatHeader({ path, link, mode, size }: Header, type: string): Buffer {
  const header = Buffer.alloc(block);
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");
  header.write(path, 0, 100, "utf8");
  header.write(`${octal(mode, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100, "latin1");
  header.write(`${octal(size, 11)}\0${octal(0, 11)}\0`, 124, "latin1");
  header.write("        ", 148, "latin1");
  header.write(type, 156, "latin1");
  header.write(link ?? "", 157, 100, "utf8");
  header.write("ustar\x0000", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148, "latin1");
  return header;
}

function padding(size: number): Buffer {
  return Buffer.alloc((block - (size % block)) % block);
}
