import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { BloomError, parseErrorDocument } from "@bloomery/contract";
import { appArgument, environmentFlag, type Command, type Context } from "../command.js";
import { createPhases } from "../output/phases.js";
import { followDeployment } from "./follow-deployment.js";
import { placeOf } from "./place.js";

const group = "Variables";

export const variableCommands: readonly Command[] = [
  {
    name: "env list",
    group,
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
    group,
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
          ? await readValue(context, context.args.slice(1), from)
          : Object.fromEntries(context.args.slice(1).map(parseVariable));
      await changeVariables(context, { set, sensitive: context.flags["sensitive"] === true });
    },
  },
  {
    name: "env unset",
    group,
    summary: "Remove variables and replace the running instances",
    args: [appArgument, { name: "name", about: "a variable", many: true }],
    flags: [environmentFlag, { flag: "--no-apply", about: "keep the change for the next deployment" }],
    examples: ["bloom env unset shop LOG"],
    run: (context) => changeVariables(context, { unset: context.args.slice(1) }),
  },
];

async function changeVariables(
  context: Context,
  body: { set?: Record<string, string>; unset?: string[]; sensitive?: boolean },
): Promise<void> {
  const place = placeOf(context);
  const apply = context.flags["apply"] !== false;
  // Never broken off: we would not know whether there is a deployment to cancel.
  const call = { params: place, body: { ...body, apply } };
  const answer = await context.client().call("changeVariables", call, { signal: null });
  if (answer.deployment !== null) {
    const finished = await followDeployment(context, place, answer.deployment, createPhases(context.output));
    if (finished.error !== null) throw parseErrorDocument(finished.error);
  }
  const names = [...Object.keys(body.set ?? {}), ...(body.unset ?? [])].join(", ");
  context.output.result({ variables: answer.variables }, [
    `${names}: ${answer.deployment === null ? "kept for the next deployment" : "in force"}`,
  ]);
}

async function readValue(
  { cwd }: Context,
  names: readonly string[],
  from: string,
): Promise<Record<string, string>> {
  const [name] = names;
  if (names.length !== 1 || name === undefined || name.includes("=")) {
    throw new BloomError("ERR_INVALID_ARGUMENT", "with --from exactly one NAME is given, without a value");
  }
  const value =
    from === "-" ? await readAll(process.stdin) : await readFile(resolve(cwd, from), "utf8").catch(explain);
  return { [name]: value.replace(/\n$/, "") };
}

function parseVariable(word: string): [string, string] {
  const at = word.indexOf("=");
  if (at < 1) throw new BloomError("ERR_INVALID_ARGUMENT", `\`${word}\` must be NAME=value`);
  return [word.slice(0, at), word.slice(at + 1)];
}

function explain(error: NodeJS.ErrnoException): never {
  throw new BloomError("ERR_INVALID_ARGUMENT", `the file for --from cannot be read: ${error.message}`);
}
