import { BloomError } from "@bloomery/contract";
import type { Context, FlagSpec } from "../../command.js";

export const pageFlags: readonly FlagSpec[] = [
  { flag: "-n, --limit <count>", about: "how many", fallback: "50" },
  { flag: "--cursor <cursor>", about: "go on where the answer before ended" },
];

/** As many as a page may have. */
const pageLimit = 1000;

interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | undefined;
}

/** Asks for pages until there are as many as wanted, or no more. */
export async function collectPages<T>(
  { limit = 50, cursor }: { readonly limit: number | undefined; readonly cursor: string | undefined },
  ask: (query: { limit: number; cursor?: string }) => Promise<Page<T>>,
): Promise<Page<T>> {
  if (limit < 1) throw new BloomError("ERR_INVALID_ARGUMENT", "--limit must be at least 1");
  const items: T[] = [];
  let nextCursor = cursor;
  do {
    const page = await ask({
      limit: Math.min(pageLimit, limit - items.length),
      ...(nextCursor === undefined ? {} : { cursor: nextCursor }),
    });
    items.push(...page.items);
    ({ nextCursor } = page);
  } while (nextCursor !== undefined && items.length < limit);
  return { items, nextCursor };
}

export function sayMore({ output }: Pick<Context, "output">, nextCursor: string | undefined): void {
  if (nextCursor !== undefined && !output.json) output.say(`there are more: --cursor ${nextCursor}`);
}
