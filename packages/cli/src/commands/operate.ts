import { readFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import {
  BloomError,
  formatAppRef,
  parseAppRef,
  parseErrorDocument,
  type AppRef,
  type DeploymentView,
} from "@bloomery/contract";
import { appArgument, environmentFlag, type Command, type Context } from "../command.js";
import { createPhases } from "../output/phases.js";
import { followDeployment } from "./follow-deployment.js";
import { placeOf } from "./look.js";

const group = "Operate";

/** Follows a deployment that the daemon has begun and prints where the app is. */
async function finish(context: Context, ref: AppRef, deployment: DeploymentView): Promise<void> {
  const finished = await followDeployment(context, ref, deployment, createPhases(context.output));
  if (finished.error !== null) throw parseErrorDocument(finished.error);
  context.output.result({ app: ref.app, ...finished }, [
    `version ${finished.version} is live at ${finished.url}`,
  ]);
}

/** `stop`, `start`, `restart`: one call, answered with the environment. */
function operation(
  name: "stop" | "start" | "restart",
  summary: string,
  route: "stopEnvironment" | "startEnvironment" | "restartEnvironment",
): Command {
  return {
    name,
    group,
    summary,
    args: [appArgument],
    flags: [environmentFlag],
    examples: [`bloom ${name} shop`],
    async run(context) {
      const place = placeOf(context);
      if (name === "stop")
        await context.confirm(`Stop ${formatAppRef(place)}? It answers 503 until it is started again.`);
      const view = await context.client().call(route, { params: place });
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
    args: [
      appArgument,
      {
        name: "version",
        about: "the version's number; otherwise the one before the live one",
        optional: true,
      },
    ],
    flags: [environmentFlag],
    examples: ["bloom rollback shop", "bloom rollback shop 12"],
    async run(context) {
      const place = placeOf(context);
      const version = context.args[1] === undefined ? null : parseVersion(context.args[1]);
      const deployment = await context.client().call("rollback", { params: place, body: { version } });
      await finish(context, place, deployment);
    },
  },
  operation("restart", "Replace the running instances by fresh ones, without a gap", "restartEnvironment"),
  operation("stop", "Stop an app until it is started again", "stopEnvironment"),
  operation("start", "Start a stopped app", "startEnvironment"),
  {
    name: "scale",
    group,
    summary: "Set how many replicas run",
    args: [appArgument, { name: "role=count", about: "such as web=2", many: true }],
    flags: [environmentFlag],
    examples: ["bloom scale shop web=2"],
    async run(context) {
      const replicas = Object.fromEntries(context.args.slice(1).map(parseReplicas));
      const view = await context
        .client()
        .call("scaleEnvironment", { params: placeOf(context), body: { replicas } });
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
    async run({ client, output, args, flags, confirm }) {
      const ref = parseAppRef(args[0] ?? "");
      const view = await client().call("getApp", { params: ref });
      const names = view.environments.map((one) => one.name).join(", ");
      if (flags["dry-run"] === true)
        return output.result(view, [`would delete ${formatAppRef(ref)} with its environments: ${names}`]);
      await confirm(`Delete ${formatAppRef(ref)} with its environments (${names}), versions and variables?`);
      const answer = await client().call("deleteApp", { params: ref });
      output.result(answer, [`${formatAppRef(ref)} is deleted`]);
    },
  },
  {
    name: "env list",
    group: "Variables",
    summary: "List an environment's variables",
    args: [appArgument],
    flags: [environmentFlag],
    examples: ["bloom env list shop"],
    async run(context) {
      const answer = await context.client().call("listVariables", { params: placeOf(context) });
      const rows = answer.variables.map((one) => [one.name, one.value ?? "(sensitive)", one.level]);
      context.output.table(answer, ["NAME", "VALUE", "FROM"], rows);
    },
  },
  {
    name: "env set",
    group: "Variables",
    summary: "Set variables and replace the running instances",
    about:
      "Variables that are not named stay as they are. A value that others on this machine must not see comes from\na file or standard input: `NAME` alone with --from.",
    args: [appArgument, { name: "name=value", about: "such as LOG=debug", many: true }],
    flags: [
      environmentFlag,
      { flag: "--sensitive", about: "the values can be replaced but never read again" },
      { flag: "--from <file>", about: "read the one value from a file, `-` for standard input" },
      { flag: "--no-apply", about: "keep the change for the next deployment" },
    ],
    examples: [
      "bloom env set shop LOG=debug",
      "pass show db | bloom env set shop DATABASE_URL --from - --sensitive",
    ],
    async run(context) {
      const from = context.flags["from"];
      const set =
        typeof from === "string"
          ? await readValue(context.args.slice(1), from)
          : Object.fromEntries(context.args.slice(1).map(parseVariable));
      await change(context, { set, sensitive: context.flags["sensitive"] === true });
    },
  },
  {
    name: "env unset",
    group: "Variables",
    summary: "Remove variables and replace the running instances",
    args: [appArgument, { name: "name", about: "a variable", many: true }],
    flags: [environmentFlag, { flag: "--no-apply", about: "keep the change for the next deployment" }],
    examples: ["bloom env unset shop LOG"],
    run: (context) => change(context, { unset: context.args.slice(1) }),
  },
];

async function change(
  context: Context,
  body: { set?: Record<string, string>; unset?: string[]; sensitive?: boolean },
): Promise<void> {
  const place = placeOf(context);
  const apply = context.flags["apply"] !== false;
  const answer = await context.client().call("changeVariables", { params: place, body: { ...body, apply } });
  if (answer.deployment !== null) {
    const finished = await followDeployment(context, place, answer.deployment, createPhases(context.output));
    if (finished.error !== null) throw parseErrorDocument(finished.error);
  }
  const names = [...Object.keys(body.set ?? {}), ...(body.unset ?? [])].join(", ");
  context.output.result({ variables: answer.variables }, [
    `${names}: ${answer.deployment === null ? "kept for the next deployment" : "in force"}`,
  ]);
}

async function readValue(names: readonly string[], from: string): Promise<Record<string, string>> {
  const [name] = names;
  if (names.length !== 1 || name === undefined || name.includes("=")) {
    throw new BloomError("ERR_INVALID_ARGUMENT", "with --from exactly one NAME is given, without a value");
  }
  const value = from === "-" ? await readAll(process.stdin) : await readFile(from, "utf8");
  return { [name]: value.replace(/\n$/, "") };
}

function parseVariable(word: string): [string, string] {
  const at = word.indexOf("=");
  if (at < 1) throw new BloomError("ERR_INVALID_ARGUMENT", `\`${word}\` must be NAME=value`);
  return [word.slice(0, at), word.slice(at + 1)];
}

function parseReplicas(word: string): [string, number] {
  const match = /^([a-z][a-z0-9-]*)=(\d{1,3})$/.exec(word);
  if (match === null)
    throw new BloomError("ERR_INVALID_ARGUMENT", `\`${word}\` must be ROLE=COUNT, such as web=2`);
  return [match[1] ?? "", Number(match[2])];
}

function parseVersion(word: string): number {
  const match = /^v?(\d{1,9})$/.exec(word);
  if (match === null)
    throw new BloomError(
      "ERR_INVALID_ARGUMENT",
      `\`${word}\` is not a version; versions are numbers, such as 12`,
    );
  return Number(match[1]);
}
