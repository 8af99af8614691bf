import { variableLevel } from "@bloomery/contract";
import { appArgument, environmentFlag, type Command, type FlagSpec } from "../command.js";
import {
  changeVariables,
  describeFlags,
  describeLevel,
  parseVariable,
  parseVariableName,
  planChange,
} from "./change-variables.js";
import { parseChoice } from "./parse-flag.js";
import { placeOf } from "./place.js";
import { readNamedValue } from "./secret-value.js";

const group = "Variables";

export const levelFlag: FlagSpec = {
  flag: "--level <level>",
  about: "app (all environments of the app) or environment (this one; it comes first)",
  fallback: "environment",
};
export const applyFlag: FlagSpec = { flag: "--no-apply", about: "keep the change for the next deployment" };
export const visibleFlags: readonly FlagSpec[] = [
  { flag: "--visible-build", about: "builds see it, too: a change makes the next deploy build again" },
  { flag: "--no-visible-build", about: "builds do not see it (so it is with new ones)" },
  { flag: "--visible-runtime", about: "the app sees it (so it is with new ones)" },
  { flag: "--no-visible-runtime", about: "the app does not see it" },
];
const fromFlag: FlagSpec = {
  flag: "--from <file>",
  about: "read the one value from a file, `-` for standard input",
};

export const variableCommands: readonly Command[] = [
  {
    name: "env list",
    group,
    summary: "List an environment's variables",
    about:
      "An environment's own come before the app's, and those before the manifest's. One that is overridden has no effect\nuntil the one that hides it is unset.",
    args: [appArgument],
    flags: [
      environmentFlag,
      { flag: "--level <level>", about: "only those of the app, the environment or the manifest" },
    ],
    examples: ["bloom env list shop", "bloom env list shop --level app"],
    async run(context) {
      const level = parseChoice(context.flags, "level", variableLevel.options);
      const { variables } = await context.client().call("listVariables", { params: placeOf(context) });
      const shown = variables.filter((one) => level === undefined || one.level === level);
      const rows = shown.map((one) => [
        one.name,
        one.value ?? (one.sensitive ? "(sensitive)" : "(sealed with another key)"),
        describeLevel(one),
        ...describeFlags(one),
      ]);
      context.output.table(
        { variables: shown },
        ["NAME", "VALUE", "FROM", "VISIBLE IN BUILD", "AT RUNTIME", "KIND"],
        rows,
      );
    },
  },
  {
    name: "env set",
    group,
    summary: "Set variables and replace the running instances",
    about:
      "Variables that are not named stay as they are. `NAME` is an environment variable, `env:name` one in\ncapitals as in a .platform.app.yaml, `prefix:name` is found in PLATFORM_VARIABLES. A value that others on this machine\nmust not see comes from a file or standard input: `NAME` alone with --from, or `bloom secret set`.",
    args: [appArgument, { name: "name=value", about: "such as LOG=debug or shop:limit=5", many: true }],
    flags: [
      environmentFlag,
      levelFlag,
      { flag: "--as-json", about: "the values are JSON, and arrive as such in PLATFORM_VARIABLES" },
      ...visibleFlags,
      { flag: "--sensitive", about: "the values can be replaced but never read again" },
      fromFlag,
      applyFlag,
    ],
    examples: [
      "bloom env set shop LOG=debug",
      "bloom env set shop shop:limit=5 --as-json --level app",
      "pass show db | bloom env set shop DATABASE_URL --from - --sensitive",
    ],
    async run(context) {
      const { args, flags } = context;
      const body = planChange(flags);
      const set =
        typeof flags["from"] === "string"
          ? await readNamedValue(context, args.slice(1), flags["from"])
          : Object.fromEntries(args.slice(1).map(parseVariable));
      await changeVariables(context, { ...body, set, sensitive: flags["sensitive"] === true });
    },
  },
  {
    name: "env unset",
    group,
    summary: "Remove variables and replace the running instances",
    args: [appArgument, { name: "name", about: "a variable", many: true }],
    flags: [environmentFlag, levelFlag, applyFlag],
    examples: ["bloom env unset shop LOG", "bloom env unset shop LOG --level app"],
    run: (context) =>
      changeVariables(context, {
        ...planChange(context.flags),
        unset: context.args.slice(1).map(parseVariableName),
      }),
  },
];
