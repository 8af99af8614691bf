import { BloomError } from "@bloomery/contract";
import type { Invocations } from "../../deploy/function/invoke/open-invocations.js";
import { targetOf } from "../../deploy/function/invoke/find-target.js";
import { placeOfEnvironment, type Place } from "../../deploy/places.js";
import type { Store } from "../../store/open-store.js";
import type { Caller } from "../caller.js";
import type { Handlers } from "../handlers.js";
import { findFunction } from "./find-function.js";
import { viewExecution } from "./view-execution.js";

type Noun = Pick<
  Handlers,
  | "igniteInvoke"
  | "igniteInvokeAsync"
  | "igniteTestDraft"
  | "igniteTestVersion"
  | "igniteCancelExecution"
  | "igniteReplayExecution"
>;

/** Calls of functions. The answer to a call comes in frames; what kept it from being run, as an error. */
export function createInvocationHandlers(context: {
  readonly store: Store;
  readonly invocations: Invocations;
}): Noun {
  const { store, invocations } = context;
  const find = ({ org, app }: { readonly org: string; readonly app: string }): Promise<Place> =>
    findFunction(store, { org, app });

  /** Where an execution belongs to, also one that runs and has no row yet. */
  const findOwner = async (execution: string, caller: Caller): Promise<Place> => {
    const row = await store.executionQueue.get(execution);
    const owner = row ?? invocations.findRunning(execution);
    const place = owner === undefined ? undefined : await placeOfEnvironment(store, owner.environmentId);
    const isSeen =
      place !== undefined &&
      (caller.orgId === null || caller.orgId === place.org.id) &&
      (caller.appId === null || caller.appId === place.app.id);
    if (!isSeen) throw unknown(execution);
    return place;
  };

  return {
    async *igniteInvoke({ params, body }, { signal }) {
      const place = await find(params);
      yield* invocations.invoker.invoke({ kind: "live", place }, body, { kind: "invoke", signal });
    },

    async *igniteTestDraft({ params, body }, { signal }) {
      const place = await find(params);
      yield* invocations.invoker.invoke({ kind: "draft", place }, body, { kind: "test", signal });
    },

    async *igniteTestVersion({ params, body }, { signal }) {
      const target = await targetOf(store, await find(params), params.version);
      yield* invocations.invoker.invoke(target, body, { kind: "test", signal });
    },

    async igniteInvokeAsync({ params, body: { retries, ...request } }) {
      const place = await find(params);
      const wish = { place, kind: "async", request, version: null, retries } as const;
      return { executionId: await invocations.enqueue(wish) };
    },

    async igniteCancelExecution({ params: { execution } }, { caller }) {
      const place = await findOwner(execution, caller);
      await invocations.cancel(execution, place.environment.id, caller.name);
      const row = await store.executions.get(execution);
      if (row === undefined) throw unknown(execution);
      return viewExecution(row);
    },

    async igniteReplayExecution({ params: { execution }, body: { version = null } }, { caller }) {
      const place = await findOwner(execution, caller);
      const row = await store.executionQueue.get(execution);
      if (row === undefined) {
        throw new BloomError("ERR_PAYLOAD_NOT_KEPT", `${execution} has not ended yet`, {
          hint: "Replay it when it has.",
        });
      }
      return { executionId: await invocations.replay(place, row, version) };
    },
  };
}

function unknown(execution: string): BloomError {
  return new BloomError("ERR_NOT_FOUND", `there is no execution ${execution}`, {
    hint: "`bloom execution list APP` lists them.",
  });
}
