import type { FileHandle } from "node:fs/promises";

/** Whole lines of a file, and where the last of them ends. */
export interface LineBlock {
  readonly lines: readonly string[];
  readonly end: number;
}

const blockBytes = 65_536;
/** What is beyond this in one line is left out: nobody reads it, and it must not fill the memory. */
const maxLineBytes = 1_048_576;
const newline = 0x0a;

/**
 * The whole lines between two places, in blocks; a line that has not ended at `end` yet is left for later. Lines that
 * are lent are pieces of their block's text: quickly made, but whoever keeps one keeps the block.
 */
export async function* readLines(
  file: FileHandle,
  start: number,
  end: number,
  lent = false,
): AsyncGenerator<LineBlock> {
  let position = start;
  let parts: Buffer[] = [];
  let held = 0;
  while (position < end) {
    const buffer = Buffer.allocUnsafe(Math.min(blockBytes, end - position));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return; // it was shortened meanwhile
    const block = buffer.subarray(0, bytesRead);
    let lines: string[] = [];
    let from = 0;
    const last = lent ? block.lastIndexOf(newline) : -1;
    if (last !== -1) {
      parts.push(block.subarray(0, last));
      lines = joinText(parts).split("\n");
      parts = [];
      held = 0;
      from = last + 1;
    }
    for (let at = block.indexOf(newline, from); at !== -1; at = block.indexOf(newline, from)) {
      parts.push(block.subarray(from, at));
      lines.push(joinText(parts));
      parts = [];
      held = 0;
      from = at + 1;
    }
    if (from < bytesRead && held < maxLineBytes) {
      parts.push(block.subarray(from));
      held += bytesRead - from;
    }
    if (from > 0) yield { lines, end: position + from };
    position += bytesRead;
  }
}

function joinText(parts: readonly Buffer[]): string {
  const [only] = parts;
  return (parts.length === 1 && only !== undefined ? only : Buffer.concat(parts)).toString("utf8");
}
