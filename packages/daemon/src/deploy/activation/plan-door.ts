import { BloomError, type AppConfig } from "@bloomery/contract";
import { functionReadyMs } from "../../run/plan-function-sandbox.js";
import { findExecution } from "../function/activation/find-execution.js";
import { drainTimeOf } from "../function/drain-time.js";
import type { StartNotes } from "../function/ports.js";
import type { ServedEnvironment } from "../edge.js";
import { tellCaller, tellVisitor } from "./answer.js";
import type { DoorOptions } from "./open-door.js";
import type { Activation } from "./ports.js";

/** A start that never ends must not keep requests for ever. */
const marginMs = 5_000;
/** Where any number may wait: each is a descriptor of the daemon. */
const mostWaiting = 10_000;

/** The door of one environment. */
export function planDoor(
  { id, config }: Pick<ServedEnvironment, "id" | "config">,
  parts: Pick<DoorOptions, "path" | "owner"> & {
    readonly wake: Activation["wake"];
    readonly notes: StartNotes;
    /** Whether somebody may have found nobody to accept a connection a moment ago. */
    readonly isRefusable: () => boolean;
    /** That of the version which is live at present. */
    readonly configOf: () => AppConfig;
  },
): DoorOptions {
  const common = {
    ...{ path: parts.path, owner: parts.owner },
    async wake(signal: AbortSignal, onStands: Parameters<Activation["wake"]>[2]) {
      // nginx tries the next server, which is this one, also when an app that runs breaks off without an answer: what
      // the app has had already it must not have twice.
      if (!parts.isRefusable()) throw brokenOff();
      return parts.wake(id, signal, onStands);
    },
    // The socket is bound before the program begins; others bind their own when they are ready.
    takesEarly: config.function !== null || config.prefork !== null,
    waitMs: () => planPatience(parts.configOf()),
  };
  if (config.function === null) return { ...common, tell: tellVisitor, limit: () => mostWaiting };
  return {
    ...common,
    tell: tellCaller,
    limit: () => Math.min(mostWaiting, parts.configOf().function?.queueLimit || mostWaiting),
    onWaited(head, startUs) {
      const execution = findExecution(head);
      if (execution !== undefined) parts.notes.note(execution, { queueUs: 0, startUs });
    },
  };
}

/** Milliseconds a request may wait: for the start, and where never two may run, for the end of what ran before. */
export function planPatience(config: AppConfig): number {
  if (config.function !== null) return functionReadyMs + marginMs;
  const { deploy, web } = config;
  const before =
    deploy.strategy === "stopstart" ? Math.max(drainTimeOf(config), deploy.holdSeconds * 1000) : 0;
  return before + web.ready.timeoutSeconds * 1000 + marginMs;
}

function brokenOff(): BloomError {
  return new BloomError("ERR_INSTANCE_LOST", "it takes no connections, or broke off without an answer");
}
