import type { ExecutionKind, ExecutionState, ignite } from "@bloomery/contract";
import type { input } from "zod";
import type { KeptAnswer } from "../../deploy/function/invoke/invocation-files.js";
import type { Execution } from "../../store/executions.js";

type View = input<typeof ignite.executionView>;

export const statusNames = {
  queued: "EXECUTION_STATUS_QUEUED",
  running: "EXECUTION_STATUS_RUNNING",
  succeeded: "EXECUTION_STATUS_SUCCEEDED",
  failed: "EXECUTION_STATUS_FAILED",
  timed_out: "EXECUTION_STATUS_TIMED_OUT",
  cancelled: "EXECUTION_STATUS_CANCELLED",
} as const satisfies Record<ExecutionState, ignite.ExecutionStatusName>;

export const kindNames = {
  direct: "EXECUTION_KIND_DIRECT",
  invoke: "EXECUTION_KIND_INVOKE",
  async: "EXECUTION_KIND_ASYNC",
  test: "EXECUTION_KIND_TEST",
  replay: "EXECUTION_KIND_REPLAY",
  mcp: "EXECUTION_KIND_MCP",
} as const satisfies Record<ExecutionKind, ignite.ExecutionKindName>;

/** One execution as its owner sees it, with what is kept of its answer. */
export function viewExecution(row: Execution, answer?: KeptAnswer): View {
  return {
    executionId: row.id,
    functionId: `${row.orgName}/${row.appName}`,
    version: row.version,
    status: statusNames[row.state],
    kind: kindNames[row.kind],
    ...(row.instanceId === null ? {} : { replicaId: row.instanceId }),
    ...(row.httpStatus === null ? {} : { httpStatus: row.httpStatus }),
    cold: row.cold,
    attempt: row.attempt,
    ...(row.replayOf === null ? {} : { replayOf: row.replayOf }),
    createdAtMs: Date.parse(row.createdAt),
    finishedAtMs: row.finishedAt === null ? 0 : Date.parse(row.finishedAt),
    queueMs: row.queueUs / 1000,
    startMs: row.startUs / 1000,
    runMs: row.runUs / 1000,
    requestBytes: row.requestBytes,
    responseBytes: row.responseBytes,
    ...(row.error === null ? {} : { error: row.error }),
    ...(answer === undefined
      ? {}
      : { output: answer.body, outputHeaders: { ...answer.headers }, outputTruncated: answer.truncated }),
  };
}

/** The state or kind that a full name stands for. */
export function parseName<K extends string>(names: Readonly<Record<K, string>>, name: string): K | undefined {
  return (Object.keys(names) as K[]).find((key) => names[key] === name);
}
