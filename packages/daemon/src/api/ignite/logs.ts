import { formatFunctionLog, parseFunctionLog, type ignite } from "@bloomery/contract";
import type { input } from "zod";
import { addTrial, findLines } from "../../deploy/function/find-lines.js";
import { listEvents, type FunctionEvent } from "../../deploy/function/list-events.js";
import { belongsTo } from "../../observe/belongs-to.js";
import { planLogSeries } from "../../observe/plan-log-series.js";
import { readLogs } from "../../observe/read-logs.js";
import type { Handlers } from "../handlers.js";
import type { ApiContext } from "../routes/context.js";
import { findFunction } from "./find-function.js";

type Noun = Pick<
  Handlers,
  "igniteAppLogs" | "igniteStreamAppLogs" | "igniteAppEvents" | "igniteStreamAppEvents"
>;
type Entry = input<typeof ignite.logEntry>;

interface Query {
  readonly limit: number;
  readonly replicaId?: string | undefined;
  readonly executionId?: string | undefined;
  readonly search?: string | undefined;
}

/** Instances whose logs are looked for; those of older ones are gone. */
const lookBack = 1000;

/** What functions have said, and what happened to them. */
export function createFunctionLogHandlers(
  context: Pick<ApiContext, "store" | "executions" | "logFiles" | "watchInstances">,
): Noun {
  const { store } = context;
  const find = (params: { readonly org: string; readonly app: string }) => findFunction(store, params);

  async function* read(
    environmentId: string,
    { limit, replicaId, executionId, search }: Query,
    { follow, signal }: { readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncGenerator<Entry> {
    if (executionId !== undefined) await context.executions.catchUp();
    const own = executionId === undefined ? undefined : await findLines(store, environmentId, executionId);
    const wanted = search?.toLowerCase();
    const lines = readLogs({
      since: own?.alone?.from,
      tail: limit,
      ...{ follow, signal, watchSeries: context.watchInstances },
      async series() {
        const rows = await store.instances.list({ environmentId, limit: lookBack });
        const { instanceDir } = context.logFiles;
        const listed = rows.map((row) => ({
          ...{ id: row.id, version: row.versionNumber, role: row.role },
          dir: instanceDir(row.id),
        }));
        const instances = addTrial(listed, own, instanceDir).filter(
          ({ id }) => replicaId === undefined || id === replicaId,
        );
        return planLogSeries({ ...noFiles, environmentId, instances }, new Set(["app"]));
      },
      accepts: (line) =>
        line.type === "app" &&
        (own === undefined || belongsTo(line, own)) &&
        (wanted === undefined || line.text.toLowerCase().includes(wanted)),
    });
    for await (const line of lines) {
      const said = parseFunctionLog(line.text);
      const execution = own?.execution ?? line.execution;
      yield {
        timestampMs: Date.parse(line.time),
        replicaId: line.instance ?? "",
        text: said === undefined || line.execution === null ? line.text : formatFunctionLog(said),
        ...(execution === null ? {} : { executionId: execution }),
      };
    }
  }

  return {
    async igniteAppLogs({ params, query }, { signal }) {
      const { environment } = await find(params);
      const lines: Entry[] = [];
      for await (const line of read(environment.id, query, { follow: false, signal })) lines.push(line);
      return { lines };
    },

    async *igniteStreamAppLogs({ params, query }, { signal }) {
      const { environment } = await find(params);
      yield* read(environment.id, query, { follow: true, signal });
    },

    async igniteAppEvents({ params, query: { limit, cursor } }) {
      const { app, environment } = await find(params);
      const { events, next } = await listEvents(store, { appId: app.id, environment }, { limit, cursor });
      return {
        events: events.map(viewEvent),
        ...(next === undefined ? {} : { nextCursor: next }),
      };
    },

    async *igniteStreamAppEvents({ params, query: { limit } }, { signal }) {
      const { app, environment } = await find(params);
      let wake = (): void => undefined;
      let isChanged = false;
      const notice = (): void => {
        isChanged = true;
        wake();
      };
      // Whatever is done to a function that matters to its callers lets instances come or go.
      const unwatch = context.watchInstances(notice);
      signal.addEventListener("abort", notice, { once: true });
      try {
        for (let last = ""; !signal.aborted;) {
          isChanged = false;
          const page = { limit: last === "" ? limit : lookBack, cursor: undefined };
          const { events } = await listEvents(store, { appId: app.id, environment }, page);
          for (const event of events.toReversed().filter(({ key }) => key > last)) {
            last = event.key;
            yield viewEvent(event);
          }
          if (!isChanged) await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        unwatch();
        signal.removeEventListener("abort", notice);
      }
    },
  };
}

function viewEvent({ time, type, message }: FunctionEvent): input<typeof ignite.appEvent> {
  return { timestampMs: Date.parse(time), type, message };
}

/** The logs of instances are all that is read here. */
const noFiles = {
  hooks: { deploy: "", post_deploy: "" },
  access: "",
  error: "",
  hostNames: [],
  builds: [],
} as const;
