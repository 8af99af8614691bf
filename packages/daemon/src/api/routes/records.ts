import { BloomError } from "@bloomery/contract";
import type { Activity } from "../../store/activities.js";
import type { Caller } from "../caller.js";
import type { Handlers } from "../handlers.js";
import { viewActivity } from "../views.js";
import type { ApiContext } from "./context.js";

type Noun = Pick<Handlers, "listActivities" | "getActivity" | "readActivityLog">;

export function createRecordHandlers(context: ApiContext): Noun {
  const { store } = context;

  const findActivity = async (id: string, caller: Caller): Promise<Activity> => {
    const row = await store.activities.get(id);
    const isSeen =
      row !== undefined &&
      (caller.orgId === null || caller.orgId === row.orgId) &&
      (caller.appId === null || caller.appId === row.appId);
    if (!isSeen)
      throw new BloomError("ERR_NOT_FOUND", `there is no activity ${id}`, {
        hint: "`bloom activities` lists them.",
      });
    return row;
  };

  return {
    async listActivities({ query }, { caller }) {
      const rows = await store.activities.list({ limit: 1000 });
      const found = rows
        .filter(
          (row) =>
            (caller.orgId === null || caller.orgId === row.orgId) &&
            (caller.appId === null || caller.appId === row.appId),
        )
        .map(viewActivity)
        .filter(
          (view) =>
            (query.org === undefined || query.org === view.org) &&
            (query.app === undefined || query.app === view.app) &&
            (query.environment === undefined || query.environment === view.environment),
        );
      return { activities: found.slice(0, query.limit) };
    },

    getActivity: async ({ params }, { caller }) => viewActivity(await findActivity(params.activity, caller)),

    async *readActivityLog({ params }, { caller, signal }) {
      const row = await findActivity(params.activity, caller);
      if (row.deploymentId === null) return;
      for await (const event of context.hub.watch(row.deploymentId, signal)) {
        const time = event.type === "phase" ? event.at : row.createdAt;
        if (event.type === "phase")
          yield { time, text: `── ${event.phase}${event.detail === undefined ? "" : `: ${event.detail}`}` };
        if (event.type === "log") yield { time, text: event.text };
        if (event.type === "warning") yield { time, text: `warning: ${event.message}` };
        if (event.type === "finished") {
          const { state, error } = event.deployment;
          yield {
            time: event.deployment.finishedAt ?? time,
            text: error === null ? state : `${state}: ${error.message}`,
          };
        }
      }
    },
  };
}
