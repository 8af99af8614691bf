import type { ExecutionState } from "@bloomery/contract";
import type { QueuedExecution } from "../../../store/execution-queue.js";

interface LeftEnd {
  readonly kind: "ended";
  readonly state: ExecutionState;
  readonly error: string | null;
}

export type LeftVerdict =
  /** With a pause where it has failed by itself. */
  { readonly kind: "again"; readonly error: string | null } | LeftEnd;

/** What the SDK says of an execution whose caller left, which the daemon did by ending. */
const callerLeft = 499;

/**
 * What becomes of an execution that ran when the daemon ended, after everything is taken in that its instance has
 * said of it. Undefined: it has ended by itself, and its row says how.
 */
export function judgeLeft(row: QueuedExecution): LeftVerdict | undefined {
  const { httpStatus, attempt, attempts } = row;
  const isTold = httpStatus !== null && httpStatus !== 0 && httpStatus !== callerLeft;
  if (row.finishedAt !== null) return undefined;
  const failure = isTold ? failureOf(row, httpStatus) : undefined;
  if (isTold && failure === undefined) return { kind: "ended", state: "succeeded", error: null };
  if (attempt < attempts) return { kind: "again", error: failure?.error ?? null };
  return failure ?? { kind: "ended", state: "failed", error: "the daemon ended while it ran" };
}

function failureOf({ error }: QueuedExecution, status: number): LeftEnd | undefined {
  if (status < 500) return undefined;
  const state = status === 504 ? "timed_out" : "failed";
  return { kind: "ended", state, error: error ?? `it answered ${status}` };
}
