import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { SourceTree } from "./source-tree.js";
import { writeTar } from "./write-tar.js";

/** A tar.gz of a whole tree. */
export async function packTree(tree: Pick<SourceTree, "entries" | "blobPath">): Promise<Buffer> {
  const zip = createGzip();
  const [, bytes] = await Promise.all([pipeline(writeTar(tree), zip), buffer(zip)]);
  return bytes;
}
