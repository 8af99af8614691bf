import { z } from "zod";

/** Beyond what a host can be told to have; a document with more is not from one. */
const most = 4096;
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const flag = z.union([z.boolean(), z.literal(0), z.literal(1)]).transform(Boolean);

/** What is taken of the host's statistics, which have uWSGI's names. All else may change or be missing. */
const statsDocument = z.object({
  workers: z
    .array(
      z.object({
        id: count,
        /** As the host sees it; 0: the place is empty. */
        pid: count.default(0),
        accepting: flag.default(false),
        requests: count.default(0),
        status: z.string().max(64).default(""),
        /** Bytes; 0: not measured. */
        rss: count.default(0),
        /** Seconds since 1970; 0: never. */
        last_spawn: count.default(0),
        cores: z
          .array(z.object({ id: count, requests: count.default(0), in_request: flag.default(false) }))
          .max(most)
          .default([]),
      }),
    )
    .max(most),
});
export type WorkerStats = z.infer<typeof statsDocument>["workers"][number];

/** The workers that the host's document tells of; null: it is no such document. */
export function parseStats(text: string): readonly WorkerStats[] | null {
  try {
    return statsDocument.parse(JSON.parse(text)).workers;
  } catch {
    return null;
  }
}
