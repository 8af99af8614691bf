import { z } from "zod";
import type { SourceLine } from "./log-series.js";
import { showControls } from "@bloomery/contract";

/** What of an access line is told; numbers that nginx does not know are `-`. */
const accessEntry = z.object({
  at: z.number(),
  env: z.string(),
  method: z.string(),
  uri: z.string(),
  status: z.number(),
  bytes: z.number(),
  request_time: z.number(),
  client: z.string(),
  agent: z.string(),
  execution: z.string().max(64).optional(),
});

const nowhere = { version: null, instance: null, role: null, execution: null } as const;

/** One answered request of this environment; undefined for those of others. */
export function parseAccessLine(line: string, environmentId: string): SourceLine | undefined {
  // Most lines are others': a look is cheaper than reading them. Quotes within values are escaped.
  if (!line.includes(`"env":${JSON.stringify(environmentId)}`)) return undefined;
  const entry = accessEntry.safeParse(parseJson(line)).data;
  if (entry === undefined || entry.env !== environmentId) return undefined;
  const { method, uri, status, bytes, client, agent } = entry;
  const seconds = entry.request_time.toFixed(3);
  const text = `${client} "${method} ${uri}" ${status} ${bytes} ${seconds}s "${agent}"`;
  const time = new Date(Math.round(entry.at * 1000)).toISOString();
  const execution = entry.execution === undefined || entry.execution === "" ? null : entry.execution;
  return { ...nowhere, time, type: "access", stream: "request", text: showControls(text), execution };
}

const executionEntry = z.object({
  at: z.number().min(0).max(8_640_000_000_000),
  env: z.string(),
  execution: z.string().regex(/^[\w.:-]{1,64}$/),
  status: z.number().int().min(0).max(999),
  bytes: z.number().int().min(0),
  request_bytes: z.number().int().min(0),
  request_time: z.number().min(0),
  upstream: z.string(),
});

const executionField = '"execution":"x-';

/** A request that was sent to a function, as nginx saw it. */
export interface ExecutionRequest {
  readonly execution: string;
  readonly environmentId: string;
  readonly status: number;
  readonly endedMs: number;
  readonly totalUs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/**
 * Undefined for requests to anything but functions, for those that nginx answered by itself, and for executions that
 * are known: of the many lines of a busy function hardly one is read as JSON.
 */
export function parseExecutionRequest(
  line: string,
  isKnown: (execution: string) => boolean = () => false,
): ExecutionRequest | undefined {
  // Quotes within values are escaped: what looks like the field is the field.
  const start = line.indexOf(executionField);
  if (start === -1) return undefined;
  const id = start + executionField.length - 2;
  if (isKnown(line.slice(id, line.indexOf('"', id)))) return undefined;
  const entry = executionEntry.safeParse(parseJson(line)).data;
  if (entry === undefined || entry.upstream === "" || entry.upstream === "-") return undefined;
  return {
    execution: entry.execution,
    environmentId: entry.env,
    status: entry.status,
    endedMs: Math.round(entry.at * 1000),
    totalUs: Math.round(entry.request_time * 1_000_000),
    requestBytes: entry.request_bytes,
    responseBytes: entry.bytes,
  };
}

/**
 * One complaint of nginx about a request to one of these hosts. Names of files and the request's own line are in
 * it as the client wrote them: a line that seems to be about several hosts is nobody's.
 */
export function parseErrorLine(line: string, hostNames: ReadonlySet<string>): SourceLine | undefined {
  const match = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d) (\[[a-z]+\]) \d+#\d+: (?:\*\d+ )?(.*)$/s.exec(
    line,
  );
  if (match === null) return undefined;
  const named = [...line.matchAll(/, server: ([^\s,]*)/g)].map(([, name = ""]) => name);
  if (named.length === 0 || !named.every((name) => hostNames.has(name))) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  // nginx writes the machine's own time, and only seconds of it.
  const time = new Date(year, month - 1, day, hour, minute, second);
  const text = showControls(`${match[7]} ${match[8]}`);
  return { ...nowhere, time: time.toISOString(), type: "error", stream: "stderr", text };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
