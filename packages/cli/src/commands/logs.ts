import { setTimeout as delay } from "node:timers/promises";
import { BloomError, type LogLine } from "@bloomery/contract";
import { appArgument, environmentFlag, type Command, type Context } from "../command.js";
import { placeOf } from "./look.js";

export const logsCommand: Command = {
  name: "logs",
  group: "Look",
  summary: "Print an app's output",
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

async function printLogs(context: Context): Promise<void> {
  const { flags, output, signal } = context;
  const params = placeOf(context);
  const follow = flags["follow"] === true;
  let since = typeof flags["since"] === "string" ? parseSince(flags["since"]) : undefined;
  let tail = typeof flags["tail"] === "string" ? flags["tail"] : undefined;
  /** Lines of the last moment that were printed: after a reconnect they come again. */
  let printed = new Set<string>();
  let last = "";
  for (;;) {
    const query = {
      follow: String(follow),
      since,
      tail,
      version: typeof flags["version"] === "string" ? flags["version"] : undefined,
      role: typeof flags["role"] === "string" ? flags["role"] : undefined,
    };
    try {
      for await (const line of context
        .client()
        .stream("readLogs", { params, query: dropUndefined(query) }, { signal })) {
        const key = `${line.time} ${line.instance} ${line.text}`;
        if (printed.has(key)) continue;
        if (line.time !== last) printed = new Set();
        last = line.time;
        printed.add(key);
        output.line(line, formatLine(line, context));
      }
      if (!follow) return;
    } catch (error) {
      if (signal.aborted) return; // Ctrl-C is how following ends
      const isGone = error instanceof BloomError && error.code === "ERR_DAEMON_UNREACHABLE";
      if (!follow || !isGone || last === "") throw error;
    }
    // The daemon restarts; the app and its log go on. Times are finer than the query: step back a moment.
    since = last === "" ? since : new Date(Date.parse(last)).toISOString();
    tail = undefined;
    await delay(500, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
  }
}

function dropUndefined<T extends object>(query: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function formatLine(line: LogLine, { output }: Context): string {
  const head = `${line.time.slice(11, 23)} v${line.version} ${line.instance}`;
  const text = line.stream === "platform" ? output.paint("dim", `[${line.text}]`) : line.text;
  return `${output.paint(line.stream === "stderr" ? "yellow" : "dim", head)} | ${text}`;
}

/** `10m` ago, or a time. */
function parseSince(word: string): string {
  const match = /^(\d{1,6})([smhd])$/.exec(word);
  if (match !== null) {
    const unit = { s: 1, m: 60, h: 3600, d: 86_400 }[match[2] as "s" | "m" | "h" | "d"];
    return new Date(Date.now() - Number(match[1]) * unit * 1000).toISOString();
  }
  const time = Date.parse(word);
  if (!Number.isNaN(time)) return new Date(time).toISOString();
  throw new BloomError(
    "ERR_INVALID_ARGUMENT",
    `--since is \`${word}\`, but must be like 10m, 2h, 1d or 2026-01-31T12:00:00Z`,
  );
}
