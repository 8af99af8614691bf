import {
  BloomError,
  formatAppRef,
  parseAppRef,
  type AppView,
  type EnvironmentView,
  type InstanceView,
} from "@bloomery/contract";
import { appArgument, environmentFlag, type Command } from "../command.js";
import { formatAge, formatBytes } from "../output/table.js";
import { listUrls, parseCount, placeOf } from "./place.js";

const group = "Look";

function describe(environment: EnvironmentView): string[] {
  const { ready, wanted } = environment.instances;
  return [
    environment.health,
    environment.version === null ? "-" : `v${environment.version}`,
    `${ready}/${wanted}`,
    // Until something is live nobody knows what it is, so nor where.
    environment.version === null ? "-" : listUrls(environment).join(" "),
  ];
}

/** Workers, threads of each, and how many of all threads are at work. */
function describeWorkers(workers: InstanceView["workers"]): string {
  if (workers === null) return "-";
  const threads = Math.max(0, ...workers.map((worker) => worker.threads.length));
  const busy = workers.flatMap((worker) => worker.threads).filter(({ state }) => state === "busy").length;
  return `${workers.length}×${threads} · ${busy} busy`;
}

/** The environment of that name. Throws ERR_NOT_FOUND with those there are. */
function assertEnvironment(
  app: string,
  environments: readonly EnvironmentView[],
  name: string,
): EnvironmentView {
  const found = environments.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = environments.map((one) => one.name).join(", ");
  throw new BloomError("ERR_NOT_FOUND", `${app} has no environment ${name}`, {
    hint: names === "" ? "Deploy the app first." : `It has ${names}.`,
  });
}

export const lookCommands: readonly Command[] = [
  {
    name: "apps",
    group,
    summary: "List apps",
    examples: ["bloom apps", "bloom apps --json"],
    async run({ client, output }) {
      const answer = await client().call("listApps", {});
      const rows = answer.apps.flatMap((app) =>
        app.environments.map((environment) => [
          formatAppRef(app),
          environment.name,
          ...describe(environment),
        ]),
      );
      output.table(answer, ["APP", "ENVIRONMENT", "HEALTH", "VERSION", "READY", "URL"], rows);
    },
  },
  {
    name: "ps",
    group,
    summary: "List running instances",
    args: [{ ...appArgument, optional: true }],
    flags: [{ flag: "-e, --environment <name>", about: "only this environment" }],
    examples: ["bloom ps", "bloom ps shop"],
    async run({ client, output, args, flags }) {
      const ref = args[0] === undefined ? {} : parseAppRef(args[0]);
      const environment: { environment?: string } =
        typeof flags["environment"] === "string" ? { environment: flags["environment"] } : {};
      const answer = await client().call("listInstances", { query: { ...ref, ...environment } });
      // None at all: is there such an app?
      if (args[0] !== undefined && answer.instances.length + answer.sleeping.length === 0) {
        const { environments } = await client().call("getApp", { params: parseAppRef(args[0]) });
        const { environment: wanted } = environment;
        if (wanted !== undefined) assertEnvironment(args[0], environments, wanted);
      }
      const hasWorkers = answer.instances.some(({ workers }) => workers !== null);
      const rows = answer.instances.map((one) => [
        one.id,
        formatAppRef(one),
        one.environment,
        `v${one.version}`,
        `${one.role}/${one.replica}`,
        one.state,
        String(one.pid ?? "-"),
        String(one.restarts),
        formatBytes(one.memoryBytes),
        formatAge(one.startedAt),
        ...(hasWorkers ? [describeWorkers(one.workers)] : []),
        // How it ended last is worth knowing of one that is up again; what a probe saw is not.
        one.lastExit ?? (one.state === "ready" ? "" : (one.lastProbe ?? "")),
      ]);
      const asleep = answer.sleeping.map((one) => {
        const place = [formatAppRef(one), one.environment, `v${one.version}`];
        return ["-", ...place, "web", "sleeping", "-", "-", "-", "-", ...(hasWorkers ? ["-"] : []), ""];
      });
      const head = [
        "INSTANCE",
        "APP",
        "ENVIRONMENT",
        "VERSION",
        "ROLE",
        "STATE",
        "PID",
        "RESTARTS",
        "MEMORY",
        "STARTED",
        ...(hasWorkers ? ["WORKERS"] : []),
        "LAST",
      ];
      output.table(answer, head, [...rows, ...asleep]);
      for (const trouble of answer.troubles)
        output.say(`${formatAppRef(trouble)} (${trouble.environment}): ${trouble.reason}`);
    },
  },
  {
    name: "status",
    group,
    summary: "Show one app and its environments",
    args: [appArgument],
    examples: ["bloom status shop"],
    async run({ client, output, args }) {
      const app: AppView = await client().call("getApp", { params: parseAppRef(args[0] ?? "") });
      const rows = app.environments.map((environment) => [
        environment.name,
        ...describe(environment),
        environment.lastDeployment === null
          ? "-"
          : `${environment.lastDeployment.state} ${formatAge(environment.lastDeployment.createdAt)}`,
      ]);
      output.table(app, ["ENVIRONMENT", "HEALTH", "VERSION", "READY", "URL", "LAST DEPLOYMENT"], rows);
      for (const { name, health, trouble } of app.environments)
        if (trouble !== null) output.say(`${name} is ${health}: ${trouble}`);
    },
  },
  {
    name: "url",
    group,
    summary: "Print where an app is served",
    args: [appArgument],
    flags: [environmentFlag],
    examples: ["bloom url shop", "curl $(bloom url shop)"],
    async run(context) {
      const { org, app, environment } = placeOf(context);
      const view = await context.client().call("getApp", { params: { org, app } });
      const found = assertEnvironment(app, view.environments, environment);
      context.output.result({ url: found.url, tcp: found.tcp }, listUrls(found));
    },
  },
  {
    name: "versions",
    group,
    summary: "List the versions of an app, newest first",
    args: [appArgument],
    examples: ["bloom versions shop"],
    async run({ client, output, args }) {
      const answer = await client().call("listVersions", { params: parseAppRef(args[0] ?? "") });
      const rows = answer.versions.map((one) => [
        `v${one.number}`,
        one.liveIn.join(" ") || "-",
        one.artifact.slice(0, 12),
        one.toolchain ?? "-",
        one.createdBy,
        formatAge(one.createdAt),
      ]);
      output.table(answer, ["VERSION", "LIVE IN", "ARTIFACT", "RUSTC", "BY", "CREATED"], rows);
    },
  },
  {
    name: "releases",
    group,
    summary: "List the releases of an environment, newest first",
    args: [appArgument],
    flags: [environmentFlag],
    examples: ["bloom releases shop -e staging"],
    async run(context) {
      const answer = await context.client().call("listReleases", { params: placeOf(context) });
      const rows = answer.releases.map((one) => [
        String(one.number),
        `v${one.version}`,
        one.live ? "live" : "",
        formatAge(one.createdAt),
      ]);
      context.output.table(answer, ["RELEASE", "VERSION", "", "CREATED"], rows);
    },
  },
  {
    name: "activities",
    group,
    summary: "List who changed what, newest first",
    args: [{ ...appArgument, optional: true }],
    flags: [{ flag: "-n, --limit <count>", about: "how many", fallback: "50" }],
    examples: ["bloom activities", "bloom activities shop -n 10"],
    async run({ client, output, args, flags }) {
      const ref = args[0] === undefined ? {} : parseAppRef(args[0]);
      const answer = await client().call("listActivities", {
        query: { ...ref, limit: parseCount("--limit", String(flags["limit"]), 1) },
      });
      // What a deleted app left is still told; a name that was never there is a slip.
      if (args[0] !== undefined && answer.activities.length === 0)
        await client().call("getApp", { params: parseAppRef(args[0]) });
      const rows = answer.activities.map((one) => [
        one.id,
        formatAge(one.createdAt),
        one.state,
        one.description,
        one.error?.message.split("\n")[0] ?? "",
      ]);
      output.table(answer, ["ACTIVITY", "WHEN", "STATE", "WHAT", "ERROR"], rows);
    },
  },
  {
    name: "activity log",
    group,
    summary: "Print the log an activity left",
    args: [{ name: "id", about: "an activity's id" }],
    examples: ["bloom activity log act-7k2m9xq4wz3b"],
    async run({ client, output, args, signal }) {
      const lines = client().stream("readActivityLog", { params: { activity: args[0] ?? "" } }, { signal });
      for await (const line of lines) output.line(line, line.text);
    },
  },
];
