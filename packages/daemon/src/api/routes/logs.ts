import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { BloomError, type LogType } from "@bloomery/contract";
import { addTrial, findLines } from "../../deploy/function/find-lines.js";
import { findApp, findPlace, namesOf, type Place } from "../../deploy/places.js";
import { belongsTo } from "../../observe/belongs-to.js";
import { planLogSeries, type LogFacts } from "../../observe/plan-log-series.js";
import { readTextLines } from "../../observe/read-text-lines.js";
import { readLogs } from "../../observe/read-logs.js";
import type { Handlers } from "../handlers.js";
import type { ApiContext } from "./context.js";

type Noun = Pick<Handlers, "readLogs" | "readBuildLog">;

/** Instances and releases whose logs are looked for; older ones have lost theirs. */
const lookBack = 200;

export function createLogHandlers(context: Pick<ApiContext, "store" | "logFiles" | "watchInstances">): Noun {
  const { store, logFiles } = context;

  const loadFacts = async (place: Place, types: ReadonlySet<LogType>): Promise<LogFacts> => {
    const environmentId = place.environment.id;
    const rows = await store.instances.list({ environmentId, limit: lookBack });
    return {
      environmentId,
      instances: rows.map((row) => ({
        id: row.id,
        version: row.versionNumber,
        role: row.role,
        dir: logFiles.instanceDir(row.id),
      })),
      hooks: {
        deploy: logFiles.hook(environmentId, "deploy"),
        post_deploy: logFiles.hook(environmentId, "post_deploy"),
      },
      access: logFiles.access,
      error: logFiles.error,
      hostNames: types.has("error") ? await logFiles.hostNamesOf(place) : [],
      builds: types.has("build") ? await listBuilds(environmentId) : [],
    };
  };

  /** The builds of the versions that ran here and of the deployments that failed, each once. */
  const listBuilds = async (environmentId: string): Promise<LogFacts["builds"]> => {
    const versions = new Map<string, number | null>();
    for (const release of await store.releases.list({ environmentId, limit: lookBack })) {
      const version = await store.versions.get(release.versionId);
      if (version !== undefined) versions.set(version.buildId, version.number);
    }
    for (const { buildId, versionNumber } of await store.deployments.list({ environmentId, limit: lookBack }))
      if (buildId !== null && !versions.has(buildId)) versions.set(buildId, versionNumber);
    const found: LogFacts["builds"][number][] = [];
    for (const [id, version] of versions) {
      const build = await store.builds.get(id);
      if (build === undefined) continue;
      found.push({ version, file: logFiles.build(id), time: build.startedAt ?? build.createdAt });
    }
    return found;
  };

  return {
    async *readLogs({ params, query }, { signal }) {
      const place = await findPlace(store, params);
      const { app, environment } = namesOf(place);
      const types = new Set(query.types);
      const folder = dirname(logFiles.hook(place.environment.id, "deploy"));
      // The first hook may be yet to come, and only what is there can be watched.
      if (query.follow && types.has("hooks")) await mkdir(folder, { recursive: true, mode: 0o700 });
      const id = query.execution;
      const own = id === undefined ? undefined : await findLines(store, place.environment.id, id);
      const lines = readLogs({
        since: query.since,
        tail: query.tail,
        follow: query.follow,
        signal,
        async series() {
          const facts = await loadFacts(place, types);
          const instances = addTrial(facts.instances, own, logFiles.instanceDir);
          return planLogSeries({ ...facts, instances }, types);
        },
        watchSeries: context.watchInstances,
        accepts: (line) =>
          types.has(line.type) &&
          (query.stream === undefined || query.stream === line.stream) &&
          (query.version === undefined || query.version === line.version) &&
          (query.role === undefined || query.role === line.role) &&
          (own === undefined || belongsTo(line, own)),
      });
      for await (const line of lines) {
        yield { ...line, app, environment, execution: own?.execution ?? line.execution };
      }
    },

    async *readBuildLog({ params }) {
      const { app } = await findApp(store, params);
      const build = await store.builds.get(params.build);
      if (build === undefined || build.appId !== app.id) {
        throw new BloomError("ERR_NOT_FOUND", `${params.app} has no build ${params.build}`);
      }
      for await (const text of readTextLines(logFiles.build(build.id))) yield { time: build.createdAt, text };
    },
  };
}
