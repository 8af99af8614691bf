import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { codeLimits } from "../../../src/build/function/code-limits.js";
import { receiveCode } from "../../../src/build/function/receive-code.js";
import { laySource } from "../../../src/build/lay-source.js";
import { openSourceStore, type SourceStore } from "../../../src/build/source-store.js";
import { makeTar, makeTempDir, readTree, type TarPart } from "../helpers.js";
import { makeZip, type ZipPart } from "./make-zip.js";

export const manifest = '[package]\nname = "hello"\n';
export const lib = "pub fn x() {}\n";

export type Part = TarPart & ZipPart;

/** Receives bytes and lays the tree out as a build would. */
export async function layOut(bytes: Buffer, store?: SourceStore): Promise<Record<string, string>> {
  const sources = store ?? (await openSourceStore(await makeTempDir()));
  const limits = { ...codeLimits, entries: 50 };
  const { tree } = await receiveCode(sources, { kind: "bytes", bytes }, { app: "hello", limits });
  const dir = await makeTempDir();
  const workDir = join(dir, "app");
  const recordFile = join(dir, "tree.json");
  await laySource({ tree: await sources.openTree(tree), workDir, recordFile, user: null });
  return readTree(workDir);
}

export const tarGz = (parts: readonly TarPart[]): Buffer => gzipSync(makeTar(parts));

/** The same parts in both formats. */
export const formats: readonly (readonly [string, (parts: readonly Part[]) => Buffer])[] = [
  ["zip", (parts) => makeZip(parts.map(toZip))],
  ["tar.gz", tarGz],
];

const unixTypes: Readonly<Record<string, number>> = { "2": 0o120777, "3": 0o020644, "5": 0o040755 };

export function toZip(part: Part): ZipPart {
  const mode = unixTypes[part.type ?? ""] ?? 0o100000 | (part.mode ?? 0o644);
  return { path: part.path, body: part.link ?? part.body ?? "", mode };
}
