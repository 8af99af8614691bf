import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { BloomError, type LogLine } from "@bloomery/contract";
import { findApp, findPlace, namesOf } from "../../deploy/places.js";
import { readLogs, type LogSource } from "../../observe/read-logs.js";
import { recordActivity } from "../activity.js";
import type { Caller } from "../caller.js";
import type { Handlers } from "../handlers.js";
import type { Activity } from "../../store/activities.js";
import { listVariableViews, viewActivity, viewDeployment } from "../views.js";
import type { ApiContext } from "./context.js";

type Noun = Pick<
  Handlers,
  | "readLogs"
  | "listVariables"
  | "changeVariables"
  | "listActivities"
  | "getActivity"
  | "readActivityLog"
  | "readBuildLog"
>;

export function createRecordHandlers(context: ApiContext): Noun {
  const { store, secrets, views } = context;

  const findActivity = async (id: string, caller: Caller): Promise<Activity> => {
    const row = await store.activities.get(id);
    const isSeen =
      row !== undefined &&
      (caller.orgId === null || caller.orgId === row.orgId) &&
      (caller.appId === null || caller.appId === row.appId);
    if (!isSeen) throw new BloomError("ERR_NOT_FOUND", `there is no activity ${id}`);
    return row;
  };

  return {
    async *readLogs({ params, query }, { signal }) {
      const place = await findPlace(store, params);
      const names = namesOf(place);
      const sources = async (): Promise<LogSource[]> => {
        const rows = await store.instances.list({ environmentId: place.environment.id });
        return rows
          .filter((row) => query.version === undefined || query.version === row.versionNumber)
          .filter((row) => query.role === undefined || query.role === row.role)
          .map((row) => ({
            instance: row.id,
            version: row.versionNumber,
            role: row.role,
            dir: context.instanceLogDir(row.id),
          }));
      };
      const lines = readLogs({
        since: query.since,
        tail: query.tail,
        follow: query.follow,
        signal,
        sources,
        watchSources: context.watchInstances,
      });
      for await (const line of lines) {
        const found: LogLine = { ...line, app: names.app, environment: names.environment, execution: null };
        yield found;
      }
    },

    async listVariables({ params }) {
      const place = await findPlace(store, params);
      return { variables: await listVariableViews(store, secrets.open, place) };
    },

    async changeVariables({ params, body }, { caller }) {
      const place = await findPlace(store, params);
      const names = [...Object.keys(body.set), ...body.unset];
      const order = {
        type: "variables.change",
        actor: caller.name,
        description: `${caller.name} changed ${names.join(", ")}`,
        orgId: place.org.id,
        appId: place.app.id,
        environment: place.environment.name,
        parameters: { ...params, names },
      };
      await recordActivity(store, order, async () => {
        for (const [name, value] of Object.entries(body.set)) {
          await store.variables.set({
            appId: place.app.id,
            environmentId: place.environment.id,
            name,
            value: secrets.seal(value),
            sensitive: body.sensitive,
            visibleBuild: false,
            visibleRuntime: true,
          });
        }
        for (const name of body.unset) {
          const key = { appId: place.app.id, environmentId: place.environment.id, name };
          const removed = await store.variables.remove(key);
          if (!removed)
            throw new BloomError("ERR_NOT_FOUND", `there is no variable ${name} in this environment`);
        }
      });
      const isLive = place.environment.liveReleaseId !== null && place.environment.desired === "running";
      const row =
        body.apply && isLive ? await context.deployer.applyVariables(place, caller.name) : undefined;
      return {
        variables: await listVariableViews(store, secrets.open, place),
        deployment: row === undefined ? null : await viewDeployment(views, row),
      };
    },

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

    async *readBuildLog({ params }) {
      const { app } = await findApp(store, params);
      const build = await store.builds.get(params.build);
      if (build === undefined || build.appId !== app.id) {
        throw new BloomError("ERR_NOT_FOUND", `${params.app} has no build ${params.build}`);
      }
      const input = createReadStream(context.buildLogFile(build.id));
      input.on("error", () => input.destroy()); // a build without output has no file
      for await (const text of createInterface({ input })) yield { time: build.createdAt, text };
    },
  };
}
