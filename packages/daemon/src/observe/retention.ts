import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** What decides how long the logs of ended instances of one environment are kept. */
export interface LogLimits {
  /** So many of the newest keep theirs, however large. */
  readonly sure: number;
  /** No more than this many keep theirs… */
  readonly most: number;
  /** …nor while all of them together have more bytes. */
  readonly bytes: number;
}

/** An app that sleeps and wakes has many instances, each with little to say. */
export const logLimits: LogLimits = Object.freeze({ sure: 20, most: 200, bytes: 256 * 1_048_576 });

/** The instances whose folders may go; they are given newest first, with the bytes of their logs. */
export function planRetention(
  ended: readonly { readonly id: string; readonly bytes: number }[],
  limits: LogLimits = logLimits,
): readonly string[] {
  let sum = 0;
  return ended
    .filter(({ bytes }, index) => {
      sum += bytes;
      return index >= limits.sure && (index >= limits.most || sum > limits.bytes);
    })
    .map(({ id }) => id);
}

/** Removes the folders of ended instances, given newest first, that are too many or too large. */
export async function applyRetention(
  ended: readonly string[],
  dirOf: (id: string) => string,
  limits: LogLimits = logLimits,
): Promise<void> {
  const sized: { id: string; bytes: number }[] = [];
  if (ended.length <= limits.sure) return;
  for (const id of ended) sized.push({ id, bytes: await sizeOf(join(dirOf(id), "log")) });
  for (const id of planRetention(sized, limits)) await rm(dirOf(id), { recursive: true, force: true });
}

/** Bytes of a folder's files; 0 when there is none. */
async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = names.map((name) =>
    stat(join(folder, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
