import type { ExecutionState } from "@bloomery/contract";
import type { FinishedExecution } from "../store/take-in-executions.js";
import type { HandlerRecord } from "./parse-record.js";
import type { ExecutionRequest } from "./parse-nginx-log.js";
import type { Waited } from "./start-notes.js";

const nothing: Waited = { queueUs: 0, startUs: 0 };
const badGateway = 502;
const gatewayTimeout = 504;
const callerLeft = 499;

/** What an execution has come to, by the status that was answered; 0: none was. */
function planExecutionState(status: number): ExecutionState {
  if (status === gatewayTimeout) return "timed_out";
  if (status === callerLeft) return "cancelled";
  return status === 0 || status >= 500 ? "failed" : "succeeded";
}

/** The execution that a function's process has told of. Its clock may say what it likes, but not what is to come. */
export function planRecorded(
  record: HandlerRecord,
  instance: { readonly id: string; readonly environmentId: string; readonly version: number },
  waited: Waited = nothing,
  nowMs: number = Date.now(),
): FinishedExecution {
  const cameMs = Math.min(record.startedMs, nowMs);
  const endedMs = Math.min(cameMs + (record.queueUs + record.runUs) / 1000, nowMs);
  return {
    id: record.execution,
    environmentId: instance.environmentId,
    kind: "direct",
    version: instance.version,
    instanceId: instance.id,
    state: planExecutionState(record.status),
    httpStatus: record.status === 0 ? null : record.status,
    cold: record.cold,
    queueUs: record.queueUs + waited.queueUs,
    startUs: waited.startUs,
    runUs: record.runUs,
    requestBytes: record.requestBytes,
    responseBytes: record.responseBytes,
    error: record.error,
    createdAt: toTime(cameMs - (waited.queueUs + waited.startUs) / 1000),
    finishedAt: toTime(endedMs),
  };
}

/** The execution of a request that no process has told of, as nginx saw it; `end`: how a process ended at that time. */
export function planMissed(
  request: ExecutionRequest,
  version: number,
  waited: Waited = nothing,
  end?: string,
): FinishedExecution {
  const { status, totalUs, endedMs } = request;
  return {
    id: request.execution,
    environmentId: request.environmentId,
    kind: "direct",
    version,
    instanceId: null,
    state: planExecutionState(status),
    httpStatus: status === 0 ? null : status,
    cold: waited.startUs > 0,
    queueUs: waited.queueUs,
    startUs: waited.startUs,
    runUs: Math.max(0, totalUs - waited.queueUs - waited.startUs),
    requestBytes: request.requestBytes,
    responseBytes: request.responseBytes,
    error: explainMissed(status, end),
    createdAt: toTime(endedMs - totalUs / 1000),
    finishedAt: toTime(endedMs),
  };
}

/** Why no process of the function has told of it. */
function explainMissed(status: number, end: string | undefined): string | null {
  if (status === badGateway && end !== undefined) return end;
  if (status === callerLeft) return "the caller left before there was an answer";
  if (status === gatewayTimeout) return "there was no answer in time";
  if (status === 503) return "it was refused: the function could not be started, or too many waited";
  if (status === 0 || status >= 500) return "the function's process broke off, or could not be reached";
  return null;
}

/** The first moment that a record may have: text of years before it would not sort. */
const earliest = 0;

/** The second that was written last, up to its milliseconds: thousands of executions end within one. */
let written = { second: Number.NaN, text: "" };

function toTime(ms: number): string {
  const whole = Math.max(earliest, Math.floor(ms));
  const second = Math.floor(whole / 1000);
  if (second !== written.second)
    written = { second, text: new Date(second * 1000).toISOString().slice(0, -"000Z".length) };
  return `${written.text}${String(whole - second * 1000).padStart(3, "0")}Z`;
}
