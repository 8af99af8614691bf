import { BloomError, type ExecutionState, type ignite } from "@bloomery/contract";
import type { ExecutionEnd } from "../../../store/execution-queue.js";
import { formatPlace, namesOf } from "../../places.js";
import type { InvokeFrameData } from "../ports.js";
import { createClock } from "./call-clock.js";
import { NeverSent } from "./call-instance.js";
import type { CallTarget } from "./call-target.js";
import { findEnd } from "./find-end.js";
import { judgeCall, statusFor } from "./judge-call.js";
import { planRequest } from "./plan-request.js";
import { reachInstance } from "./reach-instance.js";

export interface Call {
  readonly execution: string;
  readonly target: CallTarget;
  readonly request: ignite.InvokeRequest;
  /** Aborting gives the call up; its reason says why. */
  readonly signal: AbortSignal;
  /**
   * How long beyond its own limit a function is waited for (the SDK ends what takes too long, unless it is stuck), and
   * to hear how its process has ended.
   */
  readonly graceMs?: number;
}

/** Enough for `{"error": …}`. */
const beginBytes = 4096;

const statusNames = {
  queued: "EXECUTION_STATUS_QUEUED",
  running: "EXECUTION_STATUS_RUNNING",
  succeeded: "EXECUTION_STATUS_SUCCEEDED",
  failed: "EXECUTION_STATUS_FAILED",
  timed_out: "EXECUTION_STATUS_TIMED_OUT",
  cancelled: "EXECUTION_STATUS_CANCELLED",
} as const satisfies Record<ExecutionState, ignite.ExecutionStatusName>;

/**
 * Calls a function: its answer as frames, which are read from it only as fast as they are taken. `ended` is called
 * once, before the trailer, also when nobody reads to the end. Throws what kept it from being run.
 */
export async function* runCall(
  call: Call,
  ended: (end: ExecutionEnd) => void,
): AsyncGenerator<InvokeFrameData, void, undefined> {
  const { target, execution } = call;
  const began = performance.now();
  const timeoutMs = target.config.timeoutSeconds * 1000;
  const { org, app } = target.place;
  const facts = { execution, org: org.name, app: app.name, timeoutMs, now: Date.now() };
  const planned = planRequest(call.request, facts);
  const clock = createClock(timeoutMs, call.graceMs ?? 2000);
  const over = new AbortController();
  const signal = AbortSignal.any([call.signal, clock.signal, over.signal]);

  let bytes = 0;
  let begin = Buffer.alloc(0);
  let broken: Error | null = null;
  let told = false;
  const tell = (end: ExecutionEnd): void => {
    if (!told) ended(end);
    told = true;
  };
  const reached = await reachInstance(target, planned, signal, clock.start).catch((error: unknown) => {
    clock.stop();
    const why = call.signal.aborted ? givenUp(call.signal) : asBloomError(error, call);
    tell({
      ...unreached(target.version),
      ...(call.signal.aborted ? cancelled(why) : { error: why.message }),
    });
    throw why;
  });
  const { answer, opened } = reached;
  const { awake } = opened;
  broken = reached.broken;
  const sentAt = reached.sentAt;
  // Two clocks, and one of them in whole milliseconds.
  const sentAtMs = Math.floor(Date.now() - (performance.now() - sentAt)) - 1;
  const judge = () =>
    judgeCall({
      ...{ status: answer?.status ?? null, broken, begin, timeoutMs },
      givenUp: call.signal.aborted ? givenUp(call.signal).message : null,
      late: clock.signal.aborted,
      elapsedMs: performance.now() - sentAt,
    });
  const endOf = (
    verdict: Pick<ExecutionEnd, "state" | "error">,
    httpStatus: number | null,
  ): ExecutionEnd => ({
    ...verdict,
    ...{ version: awake.version, instanceId: awake.instance.id, httpStatus },
    ...{ cold: awake.startUs !== null, startUs: Math.round(awake.startUs ?? 0) },
    ...{ runUs: Math.round((performance.now() - sentAt) * 1000), responseBytes: bytes },
  });
  try {
    const status = answer?.status ?? statusFor(judge());
    const headers = { ...answer?.headers };
    yield { head: { executionId: execution, version: awake.version, status, headers } };
    try {
      for await (const data of answer?.body ?? []) {
        bytes += data.length;
        if (begin.length < beginBytes) begin = Buffer.concat([begin, data.subarray(0, beginBytes)]);
        yield { chunk: { data } };
      }
    } catch (error) {
      broken = error as Error;
    }
    const { isProcessGone = false, ...verdict } = judge();
    const end = endOf(verdict, answer?.status ?? null);
    const durationMs = performance.now() - began;
    const why = isProcessGone ? await findEnd(awake.instance, sentAtMs, call.graceMs) : null;
    const error = why ?? verdict.error;
    tell({ ...end, error });
    const name = statusNames[verdict.state];
    yield { trailer: { status: name, ...(error === null ? {} : { error }), bytes, durationMs } };
  } finally {
    tell(endOf({ state: "cancelled", error: "the caller left" }, answer?.status ?? null));
    clock.stop();
    over.abort();
    opened.done();
  }
}

function unreached(version: number): ExecutionEnd {
  const nothing = { instanceId: null, httpStatus: null, cold: false, startUs: 0, runUs: 0, responseBytes: 0 };
  return { ...nothing, state: "failed", version, error: null };
}

function cancelled(why: Error): Pick<ExecutionEnd, "state" | "error"> {
  return { state: "cancelled", error: why.message };
}

function givenUp(signal: AbortSignal): BloomError {
  return signal.reason instanceof BloomError
    ? signal.reason
    : new BloomError("ERR_INTERRUPTED", "the caller left", { hint: "Call again when ready." });
}

function asBloomError(error: unknown, { target }: Call): Error {
  if (error instanceof NeverSent) {
    const name = formatPlace(namesOf(target.place));
    return new BloomError("ERR_INSTANCE_LOST", `no instance of ${name} could be reached`, { cause: error });
  }
  return error instanceof Error ? error : new Error(String(error));
}
