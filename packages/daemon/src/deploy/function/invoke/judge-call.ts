import type { ExecutionState } from "@bloomery/contract";

/** What is known of a call when it is over. */
export interface CallFacts {
  /** Null: no answer has begun. */
  readonly status: number | null;
  /** What broke the connection off, if anything. */
  readonly broken: Error | null;
  /** Why whoever called gave it up, in words; null: nobody did. */
  readonly givenUp: string | null;
  /** The platform waited for longer than the function may take. */
  readonly late: boolean;
  readonly elapsedMs: number;
  /** 0: no limit. */
  readonly timeoutMs: number;
  /** The first bytes of the body. */
  readonly begin: Uint8Array;
}

export interface CallVerdict {
  readonly state: Exclude<ExecutionState, "queued" | "running">;
  readonly error: string | null;
  /** Its process may say more about it. */
  readonly isProcessGone?: true;
}

/** How a call has ended. An answer below 500 is the function's own business: it has succeeded. */
export function judgeCall(facts: CallFacts): CallVerdict {
  const { status, broken, givenUp, late, timeoutMs } = facts;
  const limit = `${timeoutMs / 1000} s`;
  if (givenUp !== null && (broken !== null || status === null)) return { state: "cancelled", error: givenUp };
  if (late) return { state: "timed_out", error: `it did not end within ${limit}` };
  if (broken !== null) {
    // The function's side breaks an answer off when its time is over.
    if (timeoutMs > 0 && facts.elapsedMs >= timeoutMs) {
      return { state: "timed_out", error: `the answer was broken off after ${limit}` };
    }
    if (isUnreadable(broken)) return { state: "failed", error: `its answer is no HTTP: ${broken.message}` };
    const when = status === null ? "before it answered" : "before its answer was complete";
    return { state: "failed", error: `the function's process ended ${when}`, isProcessGone: true };
  }
  if (status === null) return { state: "failed", error: "there was no answer" };
  if (status === 504)
    return { state: "timed_out", error: readError(facts.begin) ?? `it did not end within ${limit}` };
  if (status >= 500) return { state: "failed", error: readError(facts.begin) ?? `it answered ${status}` };
  return { state: "succeeded", error: null };
}

/** As node's parser says it. */
function isUnreadable(error: Error): boolean {
  return String((error as NodeJS.ErrnoException).code).startsWith("HPE_");
}

/** What the SDK answers when a handler fails: `{"error": …}`. */
function readError(begin: Uint8Array): string | undefined {
  try {
    const { error } = JSON.parse(Buffer.from(begin).toString("utf8")) as { error?: unknown };
    return typeof error === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}

/** The status of an answer that the platform gives in the place of a function that gave none. */
export function statusFor({ state }: CallVerdict): number {
  if (state === "timed_out") return 504;
  return state === "cancelled" ? 499 : 502;
}
