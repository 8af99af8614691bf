import { open } from "node:fs/promises";
import { parsePressure, type PressureLine } from "./parse-record.js";

/** An instance in distress says so every 100 ms; this is what the busiest writes in about that time. */
const tailBytes = 262_144;
const mark = ' record {"pressure":';
const newline = 0x0a;
/** What only looks like one is the function's own doing. */
const mostTries = 10;

/** The last that an instance has said of its load, found at the end of its file without reading the rest. */
export async function peekPressure(path: string): Promise<PressureLine | undefined> {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    const length = Math.min(size, tailBytes);
    if (length === 0) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, size - length);
    return findLast(buffer.subarray(0, bytesRead), length === size);
  } finally {
    await file.close();
  }
}

function findLast(tail: Buffer, isWhole: boolean): PressureLine | undefined {
  let end = tail.lastIndexOf(newline);
  for (let tries = 0; tries < mostTries && end > 0; tries += 1) {
    const at = tail.subarray(0, end).lastIndexOf(mark);
    if (at === -1) return undefined;
    const before = tail.lastIndexOf(newline, at);
    if (before === -1 && !isWhole) return undefined; // the line began earlier
    const found = parsePressure(tail.toString("utf8", before + 1, tail.indexOf(newline, at)));
    if (found !== undefined) return found;
    end = before;
  }
  return undefined;
}
