import { setTimeout as delay } from "node:timers/promises";
import { BloomError } from "@bloomery/contract";
import { appArgument, environmentFlag, type Command, type Context } from "../command.js";
import { createLogMemory, formatLogLine } from "./log-lines.js";
import { parseCount, placeOf } from "./place.js";

export const logsCommand: Command = {
  name: "logs",
  group: "Look",
  summary: "Print an app's output",
  about: "Following goes on through deploys and restarts, also of the platform itself; Ctrl-C ends it.",
  args: [appArgument],
  flags: [
    environmentFlag,
    { flag: "-f, --follow", about: "go on with what comes" },
    { flag: "--since <time>", about: "only from this time on: 10m, 2h, 1d or an ISO time" },
    { flag: "--version <number>", about: "only this version" },
    { flag: "--role <name>", about: "only this role" },
    { flag: "-n, --tail <count>", about: "only the last lines" },
  ],
  examples: ["bloom logs shop -f", "bloom logs shop --since 10m --json"],
  run: printLogs,
};

const retryMs = 500;

interface LogQuery {
  readonly follow: string;
  readonly since?: string;
  readonly tail?: number;
  readonly version?: number;
  readonly role?: string;
}

async function printLogs(context: Context): Promise<void> {
  const { output, signal } = context;
  const params = placeOf(context);
  let query = planQuery(context.flags);
  const memory = createLogMemory();
  let isOpen = false;
  let opened = new Date().toISOString();
  const onOpen = (): void => {
    if (!isOpen) opened = new Date().toISOString();
    isOpen = true;
  };
  for (let told = false; ;) {
    try {
      for await (const line of context.client().stream("readLogs", { params, query }, { onOpen })) {
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

function planQuery(flags: Context["flags"]): LogQuery {
  const { since, tail, version, role } = flags;
  return {
    follow: String(flags["follow"] === true),
    ...(typeof since === "string" ? { since: parseSince(since) } : {}),
    ...(typeof tail === "string" ? { tail: parseCount("--tail", tail, 0) } : {}),
    ...(typeof version === "string"
      ? { version: parseCount("--version", version.replace(/^v/, ""), 1) }
      : {}),
    ...(typeof role === "string" ? { role } : {}),
  };
}

const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `10m` ago, or a time. */
function parseSince(word: string): string {
  const match = /^(\d{1,6})([smhd])$/.exec(word);
  const time =
    match === null
      ? Date.parse(word)
      : Date.now() - Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
  if (!Number.isNaN(time) && (match !== null || /^\d{4}-\d\d-\d\d/.test(word)))
    return new Date(time).toISOString();
  throw new BloomError(
    "ERR_INVALID_ARGUMENT",
    `--since is \`${word}\`, but must be like 10m, 2h, 1d or 2026-01-31T12:00:00Z`,
  );
}
