import { BloomError, ignite, type ApiRoutes, type RouteInput } from "@bloomery/contract";
import type { Command, Context } from "../../command.js";
import { renderFields } from "../../output/table.js";
import { parseSince } from "../log-query.js";
import { followLogs, formatEntry } from "./app-logs.js";
import { enumOf, numberOf, textOf } from "./app-settings.js";
import { defineVerb } from "./define.js";
import { executionArgument, functionArgument } from "./flags.js";
import { aboutFunction, functionOf, parseFunction } from "./function-ref.js";
import { parseVersion } from "./invoke.js";
import { exitOfExecution } from "./outcome.js";
import { collectPages, pageFlags, sayMore } from "./paging.js";
import { formatMoment, formatSpan, plainWord } from "./words.js";

export const executionCommands: readonly Command[] = [
  defineVerb({
    name: "execution list",
    summary: "List a function's executions, newest first",
    args: [functionArgument],
    flags: [
      {
        flag: "--status <status>",
        about: "only queued, running, succeeded, failed, timed_out or cancelled ones",
      },
      { flag: "--kind <kind>", about: "only direct, invoke, async, test, replay or mcp ones" },
      { flag: "--version <number>", about: "only those of this version; 0 is the draft" },
      { flag: "--search <text>", about: "only those whose error has this text" },
      { flag: "--since <time>", about: "only from this time on: 10m, 2h, 1d or an ISO time" },
      ...pageFlags,
    ],
    examples: [
      "dodil ignite execution list org:hello --status failed --since 1h",
      "bloom execution list hello --version 3 -n 200 --json",
    ],
    async run(context) {
      const { client, output, flags } = context;
      const ref = functionOf(context);
      const filter = planFilter(flags);
      const { items, nextCursor } = await aboutFunction(context, ref, () =>
        collectPages({ limit: numberOf(flags, "limit"), cursor: textOf(flags, "cursor") }, async (page) => {
          const answer = await client().call("igniteListExecutions", {
            params: ref,
            query: { ...filter, ...page },
          });
          return { items: answer.executions, nextCursor: answer.nextCursor };
        }),
      );
      const wide = output.wide === true;
      output.table(
        { executions: items, ...(nextCursor === undefined ? {} : { nextCursor }) },
        [
          "EXECUTION",
          "STATUS",
          "HTTP",
          "VERSION",
          ...(wide ? ["KIND", "QUEUE", "START", "BYTES"] : []),
          "RUN",
          "CREATED",
          "ERROR",
        ],
        items.map((one) => [
          one.executionId,
          plainWord(one.status),
          one.httpStatus === undefined ? "-" : String(one.httpStatus),
          `v${one.version}${one.cold ? " cold" : ""}`,
          ...(wide
            ? [plainWord(one.kind), formatSpan(one.queueMs), formatSpan(one.startMs), one.responseBytes]
            : []),
          formatSpan(one.runMs),
          formatMoment(one.createdAtMs),
          one.error?.split("\n")[0] ?? "",
        ]),
      );
      sayMore(context, nextCursor);
    },
  }),
  defineVerb({
    name: "execution get",
    summary: "Show one execution",
    args: [executionArgument],
    examples: ["dodil ignite execution get x-7k2m9xq4wz3b"],
    async run(context) {
      const execution = await context.client().call("igniteGetExecution", { params: paramsOf(context) });
      context.output.result(execution, describeExecution(execution));
    },
  }),
  defineVerb({
    name: "execution logs",
    summary: "Print what a function said in one execution",
    args: [executionArgument],
    flags: [{ flag: "-n, --limit <count>", about: "how many of the last lines", fallback: "1000" }],
    examples: ["dodil ignite exec logs x-7k2m9xq4wz3b"],
    async run(context) {
      const { client, output, flags } = context;
      const { executionId, functionId } = await client().call("igniteGetExecution", {
        params: paramsOf(context),
      });
      const limit = numberOf(flags, "limit");
      const { lines } = await client().call("igniteAppLogs", {
        params: parseFunction(context, functionId),
        query: { executionId, ...(limit === undefined ? {} : { limit }) },
      });
      for (const line of lines) output.line(line, formatEntry(context, line));
    },
  }),
  defineVerb({
    name: "execution stream",
    summary: "Print what a function says in one execution, until it has ended",
    args: [executionArgument],
    examples: ["dodil ignite execution stream x-7k2m9xq4wz3b"],
    run: streamExecution,
  }),
  defineVerb({
    name: "execution watch",
    summary: "Print an execution each time it changes, until it has ended",
    about: "Exit code 0 when it succeeded, otherwise as `invoke`; 130 when it was cancelled.",
    args: [executionArgument],
    examples: ["dodil ignite execution watch x-7k2m9xq4wz3b"],
    async run(context) {
      const { output } = context;
      let last: ignite.ExecutionView | undefined;
      for await (const one of context
        .client()
        .stream("igniteWatchExecution", { params: paramsOf(context) })) {
        output.line(one, describeChange(one));
        last = one;
      }
      return endOf(context, last);
    },
  }),
  defineVerb({
    name: "execution cancel",
    summary: "Take an execution out of the queue, or end it",
    args: [executionArgument],
    examples: ["dodil ignite execution cancel x-7k2m9xq4wz3b"],
    async run(context) {
      const answer = await context.client().call("igniteCancelExecution", { params: paramsOf(context) });
      context.output.result(answer, [`${answer.executionId}: ${plainWord(answer.status)}`]);
    },
  }),
  defineVerb({
    name: "execution replay",
    summary: "Call a function again with what an execution was called with",
    about: "That was kept if the function keeps payloads: `app update APP --keep-payloads`.",
    args: [executionArgument],
    flags: [{ flag: "--version <number>", about: "call this version; otherwise the active one" }],
    examples: ["dodil ignite execution replay x-7k2m9xq4wz3b --version 3"],
    async run(context) {
      const version = parseVersion(context.flags["version"]);
      const body = version === undefined ? {} : { version };
      // Never broken off: we would not know whether it was called.
      const answer = await context
        .client()
        .call("igniteReplayExecution", { params: paramsOf(context), body }, { signal: null });
      context.output.result(answer, [answer.executionId]);
      context.output.say(`\`bloom execution watch ${answer.executionId}\` follows it`);
    },
  }),
];

/** Throws ERR_INVALID_ARGUMENT. */
function paramsOf({ args }: Context): { execution: string } {
  const [execution = ""] = args;
  if (/^[\w-]{1,64}$/.test(execution)) return { execution };
  throw new BloomError("ERR_INVALID_ARGUMENT", `\`${execution}\` is not an execution's id`, {
    hint: "Ids are like x-7k2m9xq4wz3b; `bloom execution list APP` lists them.",
  });
}

function planFilter(flags: Context["flags"]): RouteInput<ApiRoutes["igniteListExecutions"]>["query"] {
  const status = enumOf(flags, "status", "EXECUTION_STATUS_", ignite.executionStatusName.options);
  const kind = enumOf(flags, "kind", "EXECUTION_KIND_", ignite.executionKindName.options);
  const version = numberOf(flags, "version");
  const search = textOf(flags, "search");
  const since = textOf(flags, "since");
  return {
    ...(status === undefined ? {} : { status }),
    ...(kind === undefined ? {} : { kind }),
    ...(search === undefined ? {} : { search }),
    ...(version === undefined ? {} : { version }),
    ...(since === undefined ? {} : { sinceMs: Date.parse(parseSince(since)) }),
  };
}

const ended: ReadonlySet<ignite.ExecutionStatusName> = new Set([
  "EXECUTION_STATUS_SUCCEEDED",
  "EXECUTION_STATUS_FAILED",
  "EXECUTION_STATUS_TIMED_OUT",
  "EXECUTION_STATUS_CANCELLED",
]);

/** How long lines may come after their execution has ended: they are read from files. */
const lateLinesMs = 500;

async function streamExecution(context: Context): Promise<number> {
  const client = context.client();
  const params = paramsOf(context);
  const { executionId, functionId } = await client.call("igniteGetExecution", { params });
  const stop = new AbortController();
  let last: ignite.ExecutionView | undefined;
  const watching = (async () => {
    try {
      for await (const one of client.stream("igniteWatchExecution", { params })) last = one;
    } finally {
      setTimeout(() => stop.abort(), lateLinesMs);
    }
  })();
  // Its failure is thrown below; without a listener it would end the process before.
  watching.catch(() => undefined);
  await followLogs(context, parseFunction(context, functionId), { executionId }, stop.signal);
  await watching;
  return endOf(context, last);
}

/** Throws ERR_DAEMON_UNREACHABLE when it is not known how the execution ended. */
function endOf(context: Context, last: ignite.ExecutionView | undefined): number {
  if (last !== undefined && ended.has(last.status)) return exitOfExecution(last.status, last.httpStatus);
  throw new BloomError("ERR_DAEMON_UNREACHABLE", "the daemon went away before the execution ended", {
    hint: `\`bloom execution get ${context.args[0] ?? ""}\` shows what came of it.`,
  });
}

function describeChange(one: ignite.ExecutionView): string {
  const parts = [
    one.executionId,
    plainWord(one.status),
    ...(one.attempt > 1 ? [`attempt ${one.attempt}`] : []),
    ...(one.httpStatus === undefined ? [] : [String(one.httpStatus)]),
    ...(ended.has(one.status) ? [formatSpan(one.runMs)] : []),
    ...(one.error === undefined ? [] : [one.error]),
  ];
  return parts.join("  ");
}

function describeExecution(one: ignite.ExecutionView): string[] {
  return renderFields([
    ["execution", one.executionId],
    ["function", one.functionId],
    ["version", `v${one.version}`],
    ["status", plainWord(one.status)],
    ...(one.httpStatus === undefined ? [] : [["http status", String(one.httpStatus)] as const]),
    ["kind", plainWord(one.kind)],
    ...(one.replayOf === undefined ? [] : [["replay of", one.replayOf] as const]),
    ["start", one.cold ? "cold" : "warm"],
    ["attempt", String(one.attempt)],
    ["waited", formatSpan(one.queueMs)],
    ["starting", formatSpan(one.startMs)],
    ["running", formatSpan(one.runMs)],
    ["bytes", `${one.requestBytes} in, ${one.responseBytes} out`],
    ["created", formatMoment(one.createdAtMs)],
    ...(one.error === undefined ? [] : [["error", one.error] as const]),
    ...(one.output === undefined
      ? []
      : [["answer", describeOutput(one.output, one.outputTruncated)] as const]),
  ]);
}

/** What was kept of the answer, where it is text. */
function describeOutput(output: string, truncated = false): string {
  const text = Buffer.from(output, "base64").toString("utf8");
  if (/\uFFFD|(?![\t\n\r])\p{Cc}/u.test(text)) return "(bytes; --json has them)";
  return truncated ? `${text}… (the beginning)` : text;
}
