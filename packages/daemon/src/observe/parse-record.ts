import { z } from "zod";
import { showControls } from "@bloomery/contract";

const micros = z.number().int().min(0);
/** Whoever writes these lines shares a process with what strangers wrote: an id is one, or the line is nothing. */
const execution = z.string().regex(/^[\w.:-]{1,64}$/);
const record = z.object({
  execution,
  /** Unix milliseconds of its start. */
  at: z.number().int().min(0),
  /** Waited for a place among those that run. */
  queue_us: micros.optional(),
  run_us: micros,
  /** 0: there was no answer. */
  status: z.union([z.literal(0), z.number().int().min(100).max(599)]),
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
  readonly queueUs: number;
  readonly runUs: number;
  /** 0: there was no answer. */
  readonly status: number;
  readonly error: string | null;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** The first one of its process. */
  readonly cold: boolean;
  readonly dropped: number;
}

const pressure = z.object({
  pressure: z.object({ running: z.number().int().min(0), waiting: z.number().int().min(0) }),
  at: z.number().int().min(0),
});

/** What a function's process says of how much it has to do. */
export interface PressureLine {
  readonly running: number;
  readonly waiting: number;
  /** Unix milliseconds. */
  readonly at: number;
}

/**
 * Parses one line of `executions.log`, `<time> record <JSON>`. Undefined for everything else: what the function
 * itself wrote there, and lines that were cut or too long.
 */
export function parseRecord(line: string): HandlerRecord | undefined {
  const { success, data } = record.safeParse(readDocument(line));
  if (!success) return undefined;
  return Object.freeze({
    execution: data.execution,
    startedAt: new Date(Math.min(data.at, latest)).toISOString(),
    queueUs: data.queue_us ?? 0,
    runUs: data.run_us,
    status: data.status,
    error: data.error === null ? null : showControls(data.error),
    requestBytes: data.request_bytes,
    responseBytes: data.response_bytes,
    cold: data.cold,
    dropped: data.dropped ?? 0,
  });
}

/** Parses the other kind of line that stands there: `<time> record {"pressure":{"running":3,"waiting":1},"at":…}`. */
export function parsePressure(line: string): PressureLine | undefined {
  if (!line.includes('{"pressure":')) return undefined;
  const { success, data } = pressure.safeParse(readDocument(line));
  return success ? Object.freeze({ ...data.pressure, at: data.at }) : undefined;
}

/** The last moment that a Date can hold. */
const latest = 8_640_000_000_000_000;

function readDocument(line: string): unknown {
  const mark = " record {";
  const start = line.indexOf(mark);
  if (start < 1 || line.lastIndexOf(" ", start - 1) !== -1) return undefined;
  try {
    return JSON.parse(line.slice(start + mark.length - 1)) as unknown;
  } catch {
    return undefined;
  }
}
