import { exitCodes } from "@bloomery/contract";
import { globalFlags, type Command, type FlagSpec } from "./command.js";
import { igniteFlags } from "./commands/ignite/flags.js";
import { commands } from "./commands/index.js";

/** docs/cli.md, made from the command table. */
export function renderCliReference(): string {
  const groups = [...new Set(commands.map((command) => command.group))];
  const sections = groups.flatMap((group) => [
    `## ${group}`,
    "",
    ...commands
      .filter((command) => command.group === group)
      .flatMap((command) => {
        const args = (command.args ?? []).map((arg) => {
          const name = `${arg.name}${arg.many === true ? "..." : ""}`;
          return arg.optional === true ? `[${name}]` : `<${name}>`;
        });
        return [
          `### bloom ${[command.name, ...args].join(" ")}`,
          "",
          `${command.summary}.`,
          "",
          ...(command.also === undefined
            ? []
            : [`Also ${command.also.map((name) => `\`${name}\``).join(", ")}.`, ""]),
          ...(command.about === undefined ? [] : [command.about.replaceAll("\n", " "), ""]),
          ...(command.args ?? []).map((arg) => `- \`${arg.name}\`: ${arg.about}`),
          ...shownFlags(command).map(renderFlag),
          ...((command.args ?? []).length + shownFlags(command).length > 0 ? [""] : []),
          "```",
          ...command.examples,
          "```",
          "",
        ];
      }),
  ]);
  return [
    "# The command line",
    "",
    "Generated from the command table by `npm run docs`. `dodil` is the same program.",
    "",
    "An app is named `app`, or `org:app` outside the organization `local`. Data goes to standard output, everything",
    "else to standard error. Without a terminal, or with `CI`, `NO_COLOR` or `TERM=dumb`, each phase is one plain line.",
    "",
    "## Flags of every verb",
    "",
    ...globalFlags.map(renderFlag),
    "",
    "## Flags of the verbs for functions",
    "",
    "What `bloom ignite` has takes these, too; `-o json` is `--json`.",
    "",
    ...igniteFlags.map(renderFlag),
    "",
    "## Exit codes",
    "",
    "| code | meaning |",
    "| --- | --- |",
    ...Object.entries(exitCodes).map(
      ([name, code]) => `| ${code} | ${meanings[name as keyof typeof exitCodes]} |`,
    ),
    "",
    ...sections,
  ]
    .join("\n")
    .trimEnd()
    .concat("\n");
}

const meanings: Record<keyof typeof exitCodes, string> = {
  ok: "done",
  failure: "failed",
  usage: "unknown verb or flag, or an invalid argument or project file",
  unauthenticated: "no token, or an unknown or expired one",
  forbidden: "the token's role or limit does not allow it",
  notFound: "what was named does not exist",
  conflict: "it exists already, or somebody else holds the lock",
  limit: "a limit is reached",
  deadline: "not done in time",
  unreachable: "no daemon answers",
  internal: "a bug of ours, or a failure nothing foresaw",
  buildFailed: "the build failed",
  notReady: "the new version did not become ready, or a hook failed; the message says which version serves",
  interrupted: "interrupted",
};

function shownFlags({ flags = [] }: Command): readonly FlagSpec[] {
  return flags.filter((flag) => flag.hidden !== true);
}

function renderFlag(flag: FlagSpec): string {
  return `- \`${flag.flag}\`: ${flag.about}${flag.fallback === undefined ? "" : ` (default ${flag.fallback})`}`;
}
