import { checkInput, hasInput } from "../gate/check.js";
import { setTimeout as delay } from "node:timers/promises";
import { BloomError, newId, type ExecutionKind, type FunctionConfig, type ignite } from "@bloomery/contract";
import type { ExecutionEnd } from "../../../store/execution-queue.js";
import type { InvokeFrameData, InvokeTarget, Invoker } from "../ports.js";
import type { CallTarget } from "./call-target.js";
import type { EndedBook } from "./ended-book.js";
import type { InvocationFiles } from "./invocation-files.js";
import { runCall } from "./run-call.js";

/** All calls of functions that the platform makes itself. */
export interface Calls extends Invoker {
  /** The same; `ended` is told how it ended, once. */
  run(
    target: InvokeTarget,
    request: ignite.InvokeRequest,
    options: RunOptions,
  ): AsyncGenerator<InvokeFrameData, void, undefined>;
  /** A call that is under way; undefined when there is none of this id. */
  find(execution: string): RunningCall | undefined;
  /** Gives up what runs and waits for its end. */
  close(): Promise<void>;
}

interface RunOptions {
  readonly kind: ExecutionKind;
  readonly execution: string;
  readonly signal: AbortSignal;
  readonly ended?: (end: ExecutionEnd) => void;
}

export interface RunningCall {
  readonly environmentId: string;
  readonly kind: ExecutionKind;
  /** Closes the connection, by which the function learns of it. Resolves when the call is over. */
  cancel(why: BloomError): Promise<void>;
}

export interface CallsParts {
  readonly findTarget: (target: InvokeTarget) => Promise<CallTarget>;
  readonly book: Pick<EndedBook, "note">;
  readonly files: Pick<InvocationFiles, "writeRequest" | "removeRequest">;
  readonly log: { warn(fields: object, text: string): void };
  readonly graceMs?: number;
}

const noticeMs = 2000;

/** Their rows are made before they run, and ended by the queue. */
const queued: ReadonlySet<ExecutionKind> = new Set(["async", "replay"]);

export function createCalls(parts: CallsParts): Calls {
  const running = new Map<string, RunningCall & { readonly over: Promise<void> }>();

  /** What is written down of a call that has no row. */
  const follow = (call: {
    readonly execution: string;
    readonly kind: ExecutionKind;
    readonly target: CallTarget;
    readonly request: ignite.InvokeRequest;
    readonly versionWished: number | null;
  }): ((end: ExecutionEnd) => void) => {
    const { execution, kind, target, request } = call;
    if (queued.has(kind)) return () => undefined;
    const createdAt = new Date().toISOString();
    const { keepPayloads } = target.config;
    if (keepPayloads) {
      // Beside the call: it waits for no disk.
      const kept = { request, version: call.versionWished };
      void parts.files
        .writeRequest(execution, kept)
        .catch((err: unknown) => parts.log.warn({ err, execution }, "a payload could not be kept"));
    }
    return (end) =>
      parts.book.note({
        ...end,
        ...{ id: execution, kind, environmentId: target.place.environment.id },
        ...{ requestBytes: request.payload.length, request: keepPayloads ? execution : null },
        ...{ createdAt, finishedAt: new Date().toISOString() },
      });
  };

  async function* run(
    wish: InvokeTarget,
    request: ignite.InvokeRequest,
    { kind, execution, signal, ended }: RunOptions,
  ): AsyncGenerator<InvokeFrameData, void, undefined> {
    const target = await parts.findTarget(wish);
    assertFits(request, target.config);
    const versionWished = wish.kind === "version" ? wish.version.number : null;
    const write = follow({ execution, kind, target, request, versionWished });
    const abort = new AbortController();
    let finish = (): void => undefined;
    const over = new Promise<void>((resolve) => (finish = resolve));
    const cancel = (why: BloomError): Promise<void> => {
      abort.abort(why);
      // The function has been told; whoever reads its answer may take long to notice.
      return Promise.race([over, delay(noticeMs, undefined, { ref: false })]);
    };
    running.set(execution, { environmentId: target.place.environment.id, kind, cancel, over });
    try {
      const call = {
        ...{ execution, target, request, signal: AbortSignal.any([signal, abort.signal]) },
        ...(parts.graceMs === undefined ? {} : { graceMs: parts.graceMs }),
      };
      yield* runCall(call, (end) => {
        write(end);
        ended?.(end);
        finish();
      });
    } finally {
      running.delete(execution);
      finish();
    }
  }

  return {
    run,
    invoke: (target, request, { execution = newId("execution"), ...options }) =>
      run(target, request, { ...options, execution }),
    find: (execution) => running.get(execution),
    async close() {
      const why = new BloomError("ERR_INTERRUPTED", "the daemon is stopping");
      await Promise.all([...running.values()].map((call) => call.cancel(why)));
    },
  };
}

/** Throws ERR_LIMIT_REACHED for a payload the function would not take, ERR_INPUT_INVALID for one its schema refuses. */
export function assertFits({ http, payload }: ignite.InvokeRequest, config: FunctionConfig): void {
  const { maxBodyBytes } = config;
  if (maxBodyBytes !== 0 && payload.length > maxBodyBytes) {
    const message = `the payload has ${payload.length} bytes, but the function takes ${maxBodyBytes} at most`;
    throw new BloomError("ERR_LIMIT_REACHED", message, {
      hint: "Send less, or raise `max_body` below [function] in its bloom.toml.",
    });
  }
  if (hasInput(http.method)) checkInput(config, payload);
}
