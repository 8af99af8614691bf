import { BloomError, formatAppRef, parseAppRef, type AppRef, type DeploymentView } from "@bloomery/contract";
import { appArgument, environmentFlag, type Command, type Context } from "../command.js";
import { createPhases } from "../output/phases.js";
import { assertLive, followDeployment } from "./follow-deployment.js";
import { planStrategy, strategyFlag } from "./parse-flag.js";
import { listUrls, placeOf } from "./place.js";

const group = "Operate";

/** Follows a deployment that the daemon has begun and prints where the app is. */
async function finish(context: Context, ref: AppRef, deployment: DeploymentView): Promise<void> {
  const finished = await followDeployment(context, ref, deployment, createPhases(context.output));
  assertLive(context, finished);
  context.output.result({ app: ref.app, ...finished }, [
    `version ${finished.version} is live at ${listUrls(finished).join(" ")}`,
  ]);
}

/** Waits for a change that the daemon makes; Ctrl-C ends the waiting, not the change. */
async function change<T>({ signal, args }: Context, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new BloomError("ERR_INTERRUPTED", "interrupted; the daemon goes on with what it began", {
      hint: `\`bloom status ${args[0] ?? ""}\` shows what came of it.`,
    });
  }
}

/** `stop`, `start`, `restart`, `sleep`: one call, answered with the environment. */
function operation(
  name: "stop" | "start" | "restart" | "sleep",
  summary: string,
  route: "stopEnvironment" | "startEnvironment" | "restartEnvironment" | "sleepEnvironment",
  about?: string,
): Command {
  return {
    name,
    group,
    summary,
    ...(about === undefined ? {} : { about }),
    args: [appArgument],
    flags: [environmentFlag],
    examples: [`bloom ${name} shop`],
    async run(context) {
      const place = placeOf(context);
      if (name === "stop")
        await context.confirm(
          `Stop ${formatAppRef(place)}? Its clients are refused (HTTP: 503) until it is started again.`,
        );
      const view = await change(context, () => context.client().call(route, { params: place }));
      context.output.result(view, [
        `${formatAppRef(place)} (${view.name}): ${view.health}, ${view.instances.ready}/${view.instances.wanted} ready`,
      ]);
    },
  };
}

export const operateCommands: readonly Command[] = [
  {
    name: "rollback",
    group: "Deploy",
    summary: "Make an earlier version live again, without building",
    about:
      "The deploy and post_deploy hooks of that version run as in a deploy; with --no-hooks only its start commands do.",
    args: [
      appArgument,
      {
        name: "version",
        about: "the version's number; otherwise the one before the live one",
        optional: true,
      },
    ],
    flags: [environmentFlag, { flag: "--no-hooks", about: "run neither deploy nor post_deploy" }],
    examples: ["bloom rollback shop", "bloom rollback shop 12 --no-hooks"],
    async run(context) {
      const place = placeOf(context);
      const version = context.args[1] === undefined ? null : parseVersion(context.args[1]);
      // Never broken off: we would not know whether there is a deployment to cancel.
      const hooks = context.flags["hooks"] === false ? { hooks: false } : {};
      const call = { params: place, body: { version, ...hooks } };
      await finish(context, place, await context.client().call("rollback", call, { signal: null }));
    },
  },
  {
    name: "redeploy",
    group: "Deploy",
    summary: "Fresh instances of the live version, then its post_deploy hook",
    about:
      "Nothing is built, and the deploy hook does not run: that belongs to a new version. `bloom restart` runs neither hook,\n`bloom deploy` builds and runs both.",
    args: [appArgument],
    flags: [environmentFlag, strategyFlag],
    examples: ["bloom redeploy shop", "bloom redeploy shop --strategy stopstart"],
    async run(context) {
      const place = placeOf(context);
      const call = { params: place, body: planStrategy(context.flags) };
      await finish(context, place, await context.client().call("redeploy", call, { signal: null }));
    },
  },
  operation(
    "restart",
    "Replace the running instances by fresh ones, without a gap",
    "restartEnvironment",
    "Only the start commands run, no hook of a deployment; `bloom redeploy` runs post_deploy, too.",
  ),
  operation("stop", "Stop an app until it is started again", "stopEnvironment"),
  operation("start", "Start a stopped app", "startEnvironment"),
  operation(
    "sleep",
    "End what runs of an app until somebody asks for it",
    "sleepEnvironment",
    "What has been begun finishes first. Functions also fall asleep by themselves, after their idle_seconds, and so do\n" +
      "other apps whose min_replicas is less than their replicas. Whatever min_replicas says, the whole app sleeps: a\n" +
      "request, a connection, a deployment or the platform's next start brings it back.",
  ),
  {
    name: "scale",
    group,
    summary: "Set how many replicas run",
    about:
      "What is set stays through deployments and goes before `replicas` in [run] of bloom.toml; web=default goes back to\nthat. New replicas get requests once they are ready; those that go finish theirs.",
    args: [appArgument, { name: "role=count", about: "such as web=2, or web=default", many: true }],
    flags: [environmentFlag],
    examples: ["bloom scale shop web=2", "bloom scale shop web=default"],
    async run(context) {
      const call = {
        params: placeOf(context),
        body: { replicas: Object.fromEntries(context.args.slice(1).map(parseReplicas)) },
      };
      const view = await change(context, () => context.client().call("scaleEnvironment", call));
      const counts = Object.entries(view.replicas).map(([role, count]) => `${role}=${count}`);
      context.output.result(view, [
        `${view.name}: ${counts.join(" ")}, ${view.instances.ready}/${view.instances.wanted} ready`,
      ]);
    },
  },
  {
    name: "app delete",
    group,
    summary: "Delete an app with its versions, variables and data",
    args: [appArgument],
    flags: [{ flag: "--dry-run", about: "say what would be deleted" }],
    examples: ["bloom app delete shop", "bloom app delete shop --yes"],
    async run(context) {
      const { client, output, args, flags, confirm } = context;
      const ref = parseAppRef(args[0] ?? "");
      const view = await client().call("getApp", { params: ref });
      const names = view.environments.map((one) => one.name).join(", ");
      if (flags["dry-run"] === true)
        return output.result(view, [`would delete ${formatAppRef(ref)} with its environments: ${names}`]);
      await confirm(`Delete ${formatAppRef(ref)} with its environments (${names}), versions and variables?`);
      const answer = await change(context, () => client().call("deleteApp", { params: ref }));
      output.result(answer, [`${formatAppRef(ref)} is deleted`]);
    },
  },
];

function parseReplicas(word: string): [string, number | null] {
  const match = /^([a-z][a-z0-9-]*)=(\d{1,3}|default)$/.exec(word);
  if (match === null) {
    const message = `\`${word}\` must be ROLE=COUNT, such as web=2, or ROLE=default`;
    throw new BloomError("ERR_INVALID_ARGUMENT", message);
  }
  return [match[1] ?? "", match[2] === "default" ? null : Number(match[2])];
}

function parseVersion(word: string): number {
  const match = /^v?([1-9]\d{0,8})$/.exec(word);
  if (match === null)
    throw new BloomError(
      "ERR_INVALID_ARGUMENT",
      `\`${word}\` is not a version; versions are numbers, such as 12`,
    );
  return Number(match[1]);
}
