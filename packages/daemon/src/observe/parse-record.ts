import { z } from "zod";
import { showControls } from "@bloomery/contract";

/** What a function's process says of one execution that has ended. Microseconds and bytes. */
export interface HandlerRecord {
  readonly execution: string;
  /** Unix milliseconds, by the clock of whoever wrote it. */
  readonly startedMs: number;
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

/** Whoever writes these lines shares a process with what strangers wrote: an id is one, or the line is nothing. */
const executionId = /^[\w.:-]{1,64}$/;
const longestError = 4096;

/**
 * Parses one line of `executions.log`, `<time> record <JSON>`. Undefined for everything else: what the function
 * itself wrote there, and lines that were cut or too long. Checked by hand, because there are thousands in a second.
 */
export function parseRecord(line: string): HandlerRecord | undefined {
  const data = readDocument(line, findDocument(line));
  if (data === undefined) return undefined;
  const {
    execution,
    at,
    queue_us = 0,
    run_us,
    status,
    error,
    request_bytes,
    response_bytes,
    cold,
    dropped = 0,
  } = data;
  if (typeof execution !== "string" || !executionId.test(execution)) return undefined;
  if (!isCount(at) || !isCount(queue_us) || !isCount(run_us) || !isCount(dropped)) return undefined;
  if (!isCount(status) || (status !== 0 && (status < 100 || status > 599))) return undefined;
  if (error !== null && (typeof error !== "string" || error.length > longestError)) return undefined;
  if (!isCount(request_bytes) || !isCount(response_bytes) || typeof cold !== "boolean") return undefined;
  return {
    ...{ execution, startedMs: at, queueUs: queue_us, runUs: run_us, status },
    error: error === null ? null : showControls(error),
    ...{ requestBytes: request_bytes, responseBytes: response_bytes, cold, dropped },
  };
}

/** Parses the other kind of line that stands there: `<time> record {"pressure":{"running":3,"waiting":1},"at":…}`. */
export function parsePressure(line: string): PressureLine | undefined {
  const start = findDocument(line);
  if (!line.startsWith('{"pressure":', start)) return undefined;
  const { success, data } = pressure.safeParse(readDocument(line, start));
  return success ? Object.freeze({ ...data.pressure, at: data.at }) : undefined;
}

/** As nginx makes them; executions with others may be waited for. */
const directId = /^x-[0-9a-f]{32}$/;
const directStart = '{"execution":"x-';
const directLength = 34;

export function isDirectId(execution: string): boolean {
  return directId.test(execution);
}

/**
 * The id of a record that says nothing else that must be known, at a glance: it is one of nginx's making, and no other
 * records were lost before it. Undefined also when that cannot be told without reading all of the line.
 */
export function peekDirectId(line: string): string | undefined {
  const start = findDocument(line);
  if (!line.startsWith(directStart, start)) return undefined;
  const from = start + directStart.length - 2;
  const end = from + directLength;
  // Quotes within values are escaped: what looks like the field is the field.
  if (!line.startsWith('",', end) || !line.endsWith("}") || line.includes('"dropped":', end))
    return undefined;
  const id = line.slice(from, end);
  return isDirectId(id) ? id : undefined;
}

const mark = " record {";

/** Where the document of a line begins; beyond its end when it has none. */
function findDocument(line: string): number {
  const start = line.indexOf(mark);
  if (start < 1 || line.lastIndexOf(" ", start - 1) !== -1) return line.length;
  return start + mark.length - 1;
}

/** Its fields, whatever they are. */
function readDocument(line: string, start: number): Readonly<Record<string, unknown>> | undefined {
  if (start >= line.length) return undefined;
  try {
    // It begins with a brace: an object, or nothing.
    return JSON.parse(line.slice(start)) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
