import { setTimeout as delay } from "node:timers/promises";
import { callInstance, NeverSent, type InstanceAnswer } from "./call-instance.js";
import type { CallTarget, OpenInstance } from "./call-target.js";
import type { PlannedRequest } from "./plan-request.js";

/** An instance may go to sleep between being found and being asked. */
const reachTries = 3;

/** A request that was sent. */
export interface Reached {
  readonly opened: OpenInstance;
  readonly sentAt: number;
  /** Null: the connection broke before there was one. */
  readonly answer: InstanceAnswer | null;
  readonly broken: Error | null;
}

/** Sends the request to a ready instance, to another one only when nobody can have seen it. */
export async function reachInstance(
  target: CallTarget,
  planned: PlannedRequest,
  signal: AbortSignal,
  onSending: () => void,
): Promise<Reached> {
  for (let tries = 1; ; tries++) {
    const opened = await target.open(signal);
    const sentAt = performance.now();
    onSending();
    try {
      const answer = await callInstance(opened.awake.instance.address, planned, signal);
      return { opened, sentAt, answer, broken: null };
    } catch (error) {
      if (!(error instanceof NeverSent)) return { opened, sentAt, answer: null, broken: error as Error };
      opened.done();
      if (tries === reachTries) throw error;
      await delay(20 * tries, undefined, { signal });
    }
  }
}
