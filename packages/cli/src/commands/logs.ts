import { setTimeout as delay } from "node:timers/promises";
import { BloomError } from "@bloomery/contract";
import { appArgument, environmentFlag, type Command, type Context } from "../command.js";
import { createLogMemory, formatLogLine } from "./log-lines.js";
import { logNames, standardLines, planLogQuery, planNamedLog, type LogQuery } from "./log-query.js";
import { environmentOf, parsePlace, placeOf, type Place } from "./place.js";

export const logCommands: readonly Command[] = [
  {
    name: "logs",
    group: "Look",
    summary: "Print an app's output",
    about:
      "Following goes on through deploys and restarts, also of the platform itself; Ctrl-C ends it. Without --type it is\nwhat the app and its hooks said; `all` adds the requests, nginx's complaints and the builds, in order of time. Of\nlong logs the last 100 lines are shown: `--tail all` and --since show more. Lines of an execution are those that its\nhandler wrote through its context, and all that its instance wrote while nothing else ran in it.",
    args: [appArgument],
    flags: [
      environmentFlag,
      { flag: "-f, --follow", about: "go on with what comes" },
      { flag: "--type <types>", about: "app, hooks, access, error, build, several with commas, or all" },
      {
        flag: "--stream <name>",
        about: "only stdout, stderr, platform, pre_start, post_start, deploy, post_deploy, request or build",
      },
      { flag: "--since <time>", about: "only from this time on: 10m, 2h, 1d or an ISO time" },
      { flag: "--version <number>", about: "only this version" },
      { flag: "--role <name>", about: "only this role" },
      { flag: "--execution <id>", about: "only what belongs to this execution of a function" },
      {
        flag: "-n, --tail <count>",
        about: "how many of the last lines, or all (100; with --since or --execution all)",
      },
    ],
    examples: [
      "bloom logs shop -f",
      "bloom logs shop --since 10m --json",
      "bloom logs shop --type all -f",
      "bloom logs shop --type hooks --stream deploy",
      "bloom logs hello --execution x-7k2m9xq4wz3b",
    ],
    run: (context) => printLogs(context, placeOf(context), planLogQuery(context.flags)),
  },
  {
    name: "log",
    group: "Look",
    summary: "Print one log by its name",
    about: "The last lines of one log; `bloom logs` prints several at once and chooses more finely.",
    args: [{ name: "type", about: logNames.join(", "), choices: logNames }, appArgument],
    flags: [
      environmentFlag,
      { flag: "--lines <count>", about: "how many of the last lines", fallback: String(standardLines) },
      { flag: "--tail", about: "go on with what comes" },
    ],
    examples: ["bloom log access shop", "bloom log deploy shop --lines 20", "bloom log app shop --tail"],
    async run(context) {
      const [type = "", app = ""] = context.args;
      const query = planNamedLog(type, context.flags);
      await printLogs(context, parsePlace(app, environmentOf(context)), query);
    },
  },
];

const retryMs = 500;

/**
 * Prints lines; when it follows, until Ctrl-C and beyond restarts of the daemon, without repeating or losing one.
 */
export async function printLogs(
  context: Pick<Context, "client" | "output" | "signal">,
  params: Place,
  first: LogQuery,
): Promise<void> {
  const { output, signal } = context;
  let query = first;
  const memory = createLogMemory();
  let isOpen = false;
  let opened = new Date().toISOString();
  const onOpen = (): void => {
    if (!isOpen) opened = new Date().toISOString();
    isOpen = true;
  };
  for (let told = false; ;) {
    try {
      const call = { params, query };
      for await (const line of context.client().stream("readLogs", call, { onOpen, signal })) {
        told = false;
        if (memory.isNew(line)) output.line(line, formatLogLine(line, output));
      }
      if (query.follow === "false") return;
    } catch (error) {
      if (signal.aborted) return; // Ctrl-C is how following ends
      const isGone = error instanceof BloomError && error.code === "ERR_DAEMON_UNREACHABLE";
      if (query.follow === "false" || !isGone || !isOpen) throw error;
      if (!told) output.say("the platform does not answer; the log goes on when it is back");
      told = true;
    }
    // The daemon restarts; the app and its log go on where we were.
    const { tail: _shown, ...rest } = query;
    query = { ...rest, since: memory.resumeFrom() ?? query.since ?? opened };
    await delay(retryMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
  }
}
