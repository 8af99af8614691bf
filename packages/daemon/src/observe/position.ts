import { z } from "zod";

const position = z.record(z.string().max(64), z.number().int().min(0));

/** How far the files of a log were read, by their identities, as the store keeps it. */
export function formatPosition(offsets: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries(offsets);
}

/** What cannot be understood is nothing: the files are read from their beginning, and every record counts once. */
export function parsePosition(value: unknown): ReadonlyMap<string, number> {
  const { success, data } = position.safeParse(value);
  return new Map(success ? Object.entries(data) : []);
}
