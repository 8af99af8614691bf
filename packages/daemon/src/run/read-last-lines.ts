import { open } from "node:fs/promises";

/** The last lines of a file, oldest first; empty when there is no file. Reads at most 256 KiB. */
export async function readLastLines(path: string, count: number): Promise<string[]> {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return [];
  try {
    const { size } = await file.stat();
    const length = Math.min(size, 262_144);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    const lines = buffer
      .toString("utf8", 0, bytesRead)
      .split("\n")
      .filter((line) => line !== "");
    return lines.slice(-count);
  } finally {
    await file.close();
  }
}
