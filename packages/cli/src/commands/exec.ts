import { BloomError } from "@bloomery/contract";
import { appArgument, environmentFlag, type Command, type Context } from "../command.js";
import { runInside, sizeOf } from "../inside/run-inside.js";
import { placeOf } from "./place.js";

export const execCommand: Command = {
  name: "exec",
  group: "Inside",
  summary: "Run a command inside a running instance",
  about:
    "It runs as the app does: same user, files, variables and limits. Its exit code is passed on. On a terminal it gets a\nterminal of its own, and Ctrl-C goes to it; otherwise standard input is piped to it. Who may is said by `access.ssh`\nin the manifest.",
  args: [appArgument, { name: "command", about: "a program and its arguments, after `--`", many: true }],
  flags: [
    environmentFlag,
    { flag: "-i, --instance <id>", about: "this instance; otherwise any that is ready" },
    { flag: "-t, --tty", about: "give it a terminal also when we have none" },
    { flag: "-T, --no-tty", about: "give it no terminal" },
  ],
  examples: [
    "bloom exec shop -- sh",
    "bloom exec shop -- ls -l data",
    "bloom exec shop -e staging -T -- sh -c 'cat > data/in.csv' < in.csv",
  ],
  async run(context) {
    const { args, env, flags, output } = context;
    const place = placeOf(context);
    const command = args.slice(1);
    if (command[0] === "") throw new BloomError("ERR_INVALID_ARGUMENT", "the command is empty");
    const tty = wantsTerminal(context) ? sizeOf(output.stdout) : null;
    const instance = flags["instance"];
    return runInside(context, place, {
      command,
      env: tty === null ? {} : { TERM: env["TERM"] || "xterm" },
      ...(typeof instance === "string" ? { instance } : {}),
      tty,
    });
  },
};

function wantsTerminal({ flags, stdin, output }: Context): boolean {
  const wish = flags["tty"];
  if (typeof wish === "boolean") return wish;
  return !output.json && output.stdout.isTTY === true && stdin().isTTY === true;
}
