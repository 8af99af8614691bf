import { BloomError } from "@bloomery/contract";
import { appArgument, environmentFlag, type Command } from "../command.js";
import {
  changeVariables,
  describeFlags,
  describeLevel,
  parseVariableName,
  planChange,
} from "./change-variables.js";
import { placeOf } from "./place.js";
import { readNamedValue } from "./secret-value.js";
import { applyFlag, levelFlag, visibleFlags } from "./variables.js";

const group = "Variables";

export const secretCommands: readonly Command[] = [
  {
    name: "secret list",
    group,
    summary: "List the names of an environment's secrets",
    about: "Secrets are sensitive variables: they can be replaced and removed, never read.",
    args: [appArgument],
    flags: [environmentFlag],
    examples: ["bloom secret list shop"],
    async run(context) {
      const { variables } = await context.client().call("listVariables", { params: placeOf(context) });
      const secrets = variables.filter((one) => one.sensitive);
      const rows = secrets.map((one) => [one.name, describeLevel(one), ...describeFlags(one).slice(0, 2)]);
      context.output.table({ secrets }, ["NAME", "FROM", "VISIBLE IN BUILD", "AT RUNTIME"], rows);
    },
  },
  {
    name: "secret set",
    group,
    summary: "Set one secret and replace the running instances",
    about:
      "The value comes from standard input or a file, never from the command line, where others could see it. On a\nterminal it is asked for.",
    args: [appArgument, { name: "name", about: "a variable" }],
    flags: [
      environmentFlag,
      levelFlag,
      { flag: "--from <file>", about: "read the value from a file instead of standard input" },
      ...visibleFlags,
      applyFlag,
    ],
    examples: [
      "pass show db | bloom secret set shop DATABASE_URL",
      "bloom secret set shop TLS_KEY --from key.pem --level app",
    ],
    async run(context) {
      const { args, flags } = context;
      const [, name = ""] = args;
      if (name.includes("=")) {
        throw new BloomError("ERR_INVALID_ARGUMENT", "a secret's value does not belong on the command line", {
          hint: "Give only its name, and the value through standard input or --from FILE; others may have seen this one.",
        });
      }
      const body = planChange(flags);
      const from = typeof flags["from"] === "string" ? flags["from"] : "-";
      const set = await readNamedValue(context, [name], from);
      if (set[name] === "") {
        throw new BloomError("ERR_INVALID_ARGUMENT", `the value of ${name} is empty`, {
          hint: "Pipe the value in, or name a file with --from; `bloom secret unset` removes a secret.",
        });
      }
      await changeVariables(context, { ...body, set, sensitive: true });
    },
  },
  {
    name: "secret unset",
    group,
    summary: "Remove secrets and replace the running instances",
    args: [appArgument, { name: "name", about: "a secret", many: true }],
    flags: [environmentFlag, levelFlag, applyFlag],
    examples: ["bloom secret unset shop DATABASE_URL"],
    run: (context) =>
      changeVariables(context, {
        ...planChange(context.flags),
        unset: context.args.slice(1).map(parseVariableName),
      }),
  },
];
