import { BloomError, logStream, logType, type LogStream, type LogType } from "@bloomery/contract";
import type { Context } from "../command.js";
import { unknownWord } from "./parse-flag.js";
import { parseCount } from "./place.js";

/** What `readLogs` is asked for; what is not given is the daemon's to choose. */
export interface LogQuery {
  readonly follow: string;
  readonly types?: string;
  readonly stream?: LogStream;
  readonly since?: string;
  readonly tail?: number;
  readonly version?: number;
  readonly role?: string;
  readonly execution?: string;
}

/** So many of the last lines are shown when nothing says how many: a log may have millions. */
export const standardLines = 100;

/** The flags of `bloom logs`: where no time is given, the last lines. Throws ERR_INVALID_ARGUMENT. */
export function planLogQuery(flags: Context["flags"]): LogQuery {
  const { since, tail, version, role, execution } = flags;
  const stream = typeof flags["stream"] === "string" ? parseStream(flags["stream"]) : undefined;
  const types = typeof flags["type"] === "string" ? parseTypes(flags["type"]) : typesOf(stream);
  return {
    follow: String(flags["follow"] === true),
    ...(types === undefined ? {} : { types: types.join(",") }),
    ...(stream === undefined ? {} : { stream }),
    ...(typeof since === "string" ? { since: parseSince(since) } : {}),
    ...planTail(tail, typeof since === "string" || typeof execution === "string"),
    ...(typeof version === "string"
      ? { version: parseCount("--version", version.replace(/^v/, ""), 1) }
      : {}),
    ...(typeof role === "string" ? { role } : {}),
    ...(typeof execution === "string" ? { execution } : {}),
  };
}

function planTail(tail: Context["flags"][string], hasStart: boolean): { readonly tail?: number } {
  if (typeof tail !== "string") return hasStart ? {} : { tail: standardLines };
  return tail === "all" ? {} : { tail: parseCount("--tail", tail, 0) };
}

/** The logs that `bloom log` knows, each with what it means here. */
const namedLogs: Readonly<Record<string, Pick<LogQuery, "types" | "stream">>> = {
  access: { types: "access" },
  app: { types: "app" },
  build: { types: "build" },
  deploy: { types: "hooks", stream: "deploy" },
  error: { types: "error" },
  "post-deploy": { types: "hooks", stream: "post_deploy" },
};

export const logNames = Object.keys(namedLogs);

/** What `bloom log TYPE` asks for. Throws ERR_INVALID_ARGUMENT for a type that does not exist. */
export function planNamedLog(name: string, flags: Context["flags"]): LogQuery {
  const found = namedLogs[name];
  if (found === undefined) throw unknownWord("the log", name, logNames);
  const lines = parseCount("--lines", String(flags["lines"] ?? standardLines), 0);
  return { follow: String(flags["tail"] === true), ...found, tail: lines };
}

function parseTypes(word: string): LogType[] {
  if (word === "all") return [...logType.options];
  const words = word.split(",").filter((one) => one !== "");
  if (words.length === 0) throw unknownWord("--type", word, ["all", ...logType.options]);
  return words.map((one) => {
    const parsed = logType.safeParse(one);
    if (parsed.success) return parsed.data;
    throw unknownWord("--type", one, ["all", ...logType.options]);
  });
}

function parseStream(word: string): LogStream {
  const parsed = logStream.safeParse(word.replaceAll("-", "_"));
  if (parsed.success) return parsed.data;
  throw unknownWord("--stream", word, logStream.options);
}

/** A stream that only one type has needs no --type. */
function typesOf(stream: LogStream | undefined): LogType[] | undefined {
  if (stream === "request") return ["access"];
  if (stream === "build") return ["build"];
  return undefined;
}

const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `10m` ago, or a time. */
export function parseSince(word: string): string {
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
