import { rename, stat } from "node:fs/promises";

export interface RotationLimits {
  readonly maxBytes: number;
  /** The file itself and its predecessors. */
  readonly files: number;
}

export const defaultRotation: RotationLimits = Object.freeze({ maxBytes: 50_000_000, files: 5 });

/**
 * Moves each file that has grown too large to `.1`, older ones up, the oldest away. True when any was moved:
 * whoever writes them must then open them again.
 */
export async function rotateFiles(files: readonly string[], limits: RotationLimits): Promise<boolean> {
  let moved = false;
  for (const file of files) {
    const size = await stat(file).then(
      (found) => found.size,
      () => 0,
    );
    if (size <= limits.maxBytes) continue;
    for (let age = limits.files - 2; age >= 1; age--)
      await renameIfThere(`${file}.${age}`, `${file}.${age + 1}`);
    await renameIfThere(file, `${file}.1`);
    moved = true;
  }
  return moved;
}

async function renameIfThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  });
}
