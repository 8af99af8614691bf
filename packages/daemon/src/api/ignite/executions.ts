import { BloomError } from "@bloomery/contract";
import type { Invocations } from "../../deploy/function/invoke/open-invocations.js";
import type { Execution } from "../../store/executions.js";
import type { Caller } from "../caller.js";
import type { Handlers } from "../handlers.js";
import type { ApiContext } from "../routes/context.js";
import { findFunction } from "./find-function.js";
import { kindNames, parseName, statusNames, viewExecution } from "./view-execution.js";

type Noun = Pick<
  Handlers,
  "igniteListExecutions" | "igniteGetExecution" | "igniteWatchExecution" | "igniteExecutionStats"
>;

/** An instance writes its records down 50 ms after the answer at the latest; then they are on their way. */
const arrivalMs = 400;

/** The records of calls. */
export function createExecutionHandlers(
  context: Pick<ApiContext, "store" | "executions"> & {
    readonly invocations: Pick<Invocations, "flush" | "readAnswer">;
  },
): Noun {
  const { store, executions } = context;
  const catchUp = () => Promise.all([executions.catchUp(), context.invocations.flush()]);
  const find = (params: { readonly org: string; readonly app: string }) => findFunction(store, params);

  /** Throws ERR_NOT_FOUND for what there is not, and for what the token may not see. */
  const load = async (id: string, caller: Caller): Promise<Execution> => {
    const row = await store.executions.get(id);
    const isSeen =
      row !== undefined &&
      (caller.orgId === null || caller.orgId === row.orgId) &&
      (caller.appId === null || caller.appId === row.appId);
    if (isSeen) return row;
    throw new BloomError("ERR_NOT_FOUND", `there is no execution ${id}`, {
      hint: "`bloom execution list APP` lists them; old ones are forgotten.",
    });
  };

  /** The same, of one whose answer has just left and whose record may be on its way. */
  const loadSoon = async (id: string, caller: Caller, signal: AbortSignal): Promise<Execution> => {
    if ((await store.executions.get(id)) === undefined) {
      await waitForChange(executions.events, id, signal);
      // While there is very much, nobody takes it in so soon unless asked to.
      if ((await store.executions.get(id)) === undefined) await executions.catchUp();
    }
    return load(id, caller);
  };

  return {
    async igniteListExecutions({ params, query }) {
      const { environment } = await find(params);
      const { limit, cursor, status, kind, version, search, sinceMs } = query;
      assertCursor(cursor);
      await catchUp();
      const rows = await store.executions.list({
        environmentId: environment.id,
        ...(status === undefined ? {} : { state: parseName(statusNames, status) }),
        ...(kind === undefined ? {} : { kind: parseName(kindNames, kind) }),
        version,
        ...(search === undefined ? {} : { text: search.replaceAll("\0", "") }),
        ...(sinceMs === undefined ? {} : { since: new Date(Math.min(sinceMs, latestMs)).toISOString() }),
        // One more tells whether there is a further page.
        limit: limit + 1,
        ...(cursor === undefined ? {} : { before: cursor }),
      });
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      return {
        executions: page.map((row) => viewExecution(row)),
        ...(rows.length > limit && last !== undefined ? { nextCursor: last.id } : {}),
      };
    },

    async igniteGetExecution({ params }, { caller, signal }) {
      const row = await loadSoon(params.execution, caller, signal);
      return viewExecution(row, await context.invocations.readAnswer(row.id));
    },

    async *igniteWatchExecution({ params: { execution } }, { caller, signal }) {
      let wake = (): void => undefined;
      let isChanged = true;
      const notice = (): void => {
        isChanged = true;
        wake();
      };
      const unwatch = executions.events.watchExecutions(execution, notice);
      signal.addEventListener("abort", notice, { once: true });
      try {
        let told = "";
        for (let row = await loadSoon(execution, caller, signal); !signal.aborted;) {
          const view = viewExecution(row);
          const text = JSON.stringify(view);
          if (text !== told) yield view;
          told = text;
          if (row.finishedAt !== null) return;
          if (!isChanged) await new Promise<void>((resolve) => (wake = resolve));
          isChanged = false;
          row = await load(execution, caller);
        }
      } finally {
        unwatch();
        signal.removeEventListener("abort", notice);
      }
    },

    async igniteExecutionStats({ params }) {
      const { environment } = await find(params);
      await catchUp();
      const { states, cold } = await store.executions.count({ environmentId: environment.id });
      const counts = Object.entries(states).map(([state, count]) => [
        statusNames[state as keyof typeof statusNames],
        count,
      ]);
      return { counts: Object.fromEntries(counts) as Record<string, number>, cold };
    },
  };
}

/** An execution that is forgotten is no mistake: all before it are, too. Throws ERR_INVALID_ARGUMENT. */
function assertCursor(cursor: string | undefined): void {
  if (cursor === undefined || /^x-[\w-]{1,64}$/.test(cursor)) return;
  throw new BloomError("ERR_INVALID_ARGUMENT", "the cursor is not one that an answer has given", {
    hint: "Pass on what `nextCursor` said, unchanged.",
  });
}

/** The last moment that a Date can hold as four digits of a year. */
const latestMs = Date.parse("9999-12-31T23:59:59.999Z");

async function waitForChange(
  events: ApiContext["executions"]["events"],
  id: string,
  signal: AbortSignal,
): Promise<void> {
  let done = (): void => undefined;
  const changed = new Promise<void>((resolve) => (done = resolve));
  const unwatch = events.watchExecutions(id, done);
  const timer = setTimeout(done, arrivalMs);
  signal.addEventListener("abort", done, { once: true });
  try {
    await changed;
  } finally {
    unwatch();
    clearTimeout(timer);
    signal.removeEventListener("abort", done);
  }
}
