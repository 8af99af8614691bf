import { setTimeout as delay } from "node:timers/promises";
import { BloomError, type ApiRoutes, type AppRef, type RouteResult } from "@bloomery/contract";
import type { Command, Context } from "../../command.js";
import { numberOf, textOf } from "./app-settings.js";
import { defineVerb } from "./define.js";
import { functionArgument } from "./flags.js";
import { aboutFunction, functionOf } from "./function-ref.js";

type LogEntry = RouteResult<ApiRoutes["igniteStreamAppLogs"]>;

export type FunctionLogQuery = {
  readonly limit?: number;
  readonly replicaId?: string;
  readonly executionId?: string;
  readonly search?: string;
};

export const appLogsCommand: Command = defineVerb({
  name: "app logs",
  summary: "Print what a function has said",
  about: "Following goes on through publishes and sleep, also when the platform restarts; Ctrl-C ends it.",
  args: [functionArgument],
  flags: [
    { flag: "-f, --follow", about: "go on with what comes" },
    { flag: "-n, --limit <count>", about: "how many of the last lines", fallback: "1000" },
    { flag: "--replica <id>", about: "only this instance" },
    { flag: "--execution <id>", about: "only this execution" },
    { flag: "--search <text>", about: "only lines with this text" },
  ],
  examples: ["dodil ignite app logs org:hello --follow", "bloom app logs hello --search timeout -n 50"],
  async run(context) {
    const { client, output, flags } = context;
    const ref = functionOf(context);
    const query = planLogQuery(flags);
    if (flags["follow"] === true) return aboutFunction(context, ref, () => followLogs(context, ref, query));
    const { lines } = await aboutFunction(context, ref, () =>
      client().call("igniteAppLogs", { params: ref, query }),
    );
    for (const line of lines) output.line(line, formatEntry(context, line));
  },
});

function planLogQuery(flags: Context["flags"]): FunctionLogQuery {
  const entries = [
    ["limit", numberOf(flags, "limit")],
    ["replicaId", textOf(flags, "replica")],
    ["executionId", textOf(flags, "execution")],
    ["search", textOf(flags, "search")],
  ] as const;
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

const retryMs = 500;

/** Prints lines until Ctrl-C, `until` or, without a daemon that comes back, for ever. */
export async function followLogs(
  context: Context,
  ref: AppRef,
  query: FunctionLogQuery,
  until?: AbortSignal,
): Promise<void> {
  const { output } = context;
  const signal = until === undefined ? context.signal : AbortSignal.any([context.signal, until]);
  const seen = createMemory();
  let isOpen = false;
  for (let told = false; !signal.aborted;) {
    try {
      const call = { params: ref, query };
      const onOpen = (): void => void (isOpen = true);
      for await (const line of context.client().stream("igniteStreamAppLogs", call, { signal, onOpen })) {
        told = false;
        if (seen.isNew(line)) output.line(line, formatEntry(context, line));
      }
    } catch (error) {
      if (signal.aborted) return; // Ctrl-C is how following ends
      const isGone = error instanceof BloomError && error.code === "ERR_DAEMON_UNREACHABLE";
      if (!isGone || !isOpen) throw error;
      if (!told) output.say("the platform does not answer; the log goes on when it is back");
      told = true;
    }
    seen.again();
    await delay(retryMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Knows what was printed, so that a second reading, which repeats some lines, goes on behind them. */
function createMemory(): { isNew(line: LogEntry): boolean; again(): void } {
  let last = 0;
  /** Lines of the last millisecond: a function may well say the same twice. */
  let printed: string[] = [];
  let cut = 0;
  let repeated: string[] = [];
  return {
    isNew(line) {
      const at = Number(line.timestampMs);
      if (at < cut) return false;
      const key = `${line.timestampMs} ${line.replicaId} ${line.text}`;
      const known = repeated.indexOf(key);
      if (known >= 0) {
        repeated.splice(known, 1);
        return false;
      }
      if (at > last) printed = [];
      last = Math.max(last, at);
      if (at === last) printed.push(key);
      return true;
    },
    again() {
      cut = last;
      repeated = [...printed];
    },
  };
}

export function formatEntry({ output }: Pick<Context, "output">, line: LogEntry): string {
  const time = new Date(Number(line.timestampMs)).toISOString().slice(11, 23);
  return `${output.paint("cyan", `${time} ${line.replicaId}`)} | ${line.text}`;
}
