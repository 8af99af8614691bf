import { z } from "zod";

const micros = z.number().int().min(0);
const record = z.object({
  execution: z.string().min(1).max(64),
  /** Unix milliseconds of its start. */
  at: z.number().int().min(0),
  run_us: micros,
  status: z.number().int().min(100).max(599),
  error: z.string().max(4096).nullable(),
  request_bytes: z.number().int().min(0),
  response_bytes: z.number().int().min(0),
  cold: z.boolean(),
  /** Records before this one that nobody has read in time. */
  dropped: z.number().int().min(0).optional(),
});

/** What a function's process says of one execution that has ended. Microseconds and bytes. */
export interface HandlerRecord {
  readonly execution: string;
  readonly startedAt: string;
  readonly runUs: number;
  readonly status: number;
  readonly error: string | null;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** The first one of its process. */
  readonly cold: boolean;
  readonly dropped: number;
}

/**
 * Parses one line of `executions.log`, `<time> record <JSON>`. Undefined for everything else: what the function
 * itself wrote there, and lines that were cut or too long.
 */
export function parseRecord(line: string): HandlerRecord | undefined {
  const text = /^\S+ record (\{.*\})$/s.exec(line)?.[1];
  if (text === undefined) return undefined;
  const { success, data } = record.safeParse(parseJson(text));
  if (!success) return undefined;
  return Object.freeze({
    execution: data.execution,
    startedAt: new Date(Math.min(data.at, latest)).toISOString(),
    runUs: data.run_us,
    status: data.status,
    error: data.error,
    requestBytes: data.request_bytes,
    responseBytes: data.response_bytes,
    cold: data.cold,
    dropped: data.dropped ?? 0,
  });
}

/** The last moment that a Date can hold. */
const latest = 8_640_000_000_000_000;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
