import { join } from "node:path";
import { parseFunctionLog, type LogType } from "@bloomery/contract";
import { parseLogLine, type RawLogLine } from "./log-file.js";
import type { LogSeries, SourceLine } from "./log-series.js";
import { parseAccessLine, parseErrorLine } from "./parse-nginx-log.js";

/** Everything that has logs of one environment. */
export interface LogFacts {
  readonly environmentId: string;
  readonly instances: readonly {
    readonly id: string;
    readonly version: number;
    readonly role: string;
    /** The folder with `app.log`. */
    readonly dir: string;
  }[];
  readonly hooks: Readonly<Record<"deploy" | "post_deploy", string>>;
  /** nginx's logs, of all apps. */
  readonly access: string;
  readonly error: string;
  readonly hostNames: readonly string[];
  /** Of the versions that ran here, and those without a version that failed. */
  readonly builds: readonly {
    readonly version: number | null;
    readonly file: string;
    readonly time: string;
  }[];
}

/** How many predecessors the shim and nginx keep of a log. */
const rotatedFiles = 4;

const appStreams = {
  out: { type: "app", stream: "stdout" },
  err: { type: "app", stream: "stderr" },
  shim: { type: "app", stream: "platform" },
  pre: { type: "hooks", stream: "pre_start" },
  post: { type: "hooks", stream: "post_start" },
} as const satisfies Record<RawLogLine["stream"], Pick<SourceLine, "type" | "stream">>;

/** The files in which lines of these types are found. */
export function planLogSeries(facts: LogFacts, types: ReadonlySet<LogType>): readonly LogSeries[] {
  const series: LogSeries[] = [];
  if (types.has("app") || types.has("hooks")) series.push(...facts.instances.map(planInstance));
  if (types.has("hooks")) {
    for (const hook of ["deploy", "post_deploy"] as const) {
      series.push({ file: facts.hooks[hook], rotated: 1, parse: (text) => parseHookLine(text, hook) });
    }
  }
  if (types.has("build")) series.push(...facts.builds.map(planBuild));
  if (types.has("access")) {
    const parse = (text: string): SourceLine | undefined => parseAccessLine(text, facts.environmentId);
    series.push({ file: facts.access, rotated: rotatedFiles, parse });
  }
  if (types.has("error")) {
    const hosts = new Set(facts.hostNames);
    const parse = (text: string): SourceLine | undefined => parseErrorLine(text, hosts);
    series.push({ file: facts.error, rotated: rotatedFiles, parse });
  }
  return series;
}

function planInstance({ id, version, role, dir }: LogFacts["instances"][number]): LogSeries {
  return {
    file: join(dir, "app.log"),
    rotated: rotatedFiles,
    parse(text) {
      const line = parseLogLine(text);
      if (line === undefined) return undefined;
      const { stream, time, text: said } = line;
      const execution = stream === "err" ? (parseFunctionLog(said)?.execution ?? null) : null;
      return { ...appStreams[stream], time, text: said, version, instance: id, role, execution };
    },
  };
}

function parseHookLine(text: string, hook: "deploy" | "post_deploy"): SourceLine | undefined {
  const line = parseLogLine(text);
  if (line === undefined) return undefined;
  const nowhere = { version: null, instance: null, role: null, execution: null };
  return { ...nowhere, time: line.time, type: "hooks", stream: hook, text: line.text };
}

/** Builds keep no times of their lines: all have that of the build's beginning. */
function planBuild({ file, version, time }: LogFacts["builds"][number]): LogSeries {
  const rest = {
    time,
    type: "build",
    stream: "build",
    version,
    instance: null,
    role: null,
    execution: null,
  } as const;
  return { file, rotated: 0, parse: (text) => ({ ...rest, text }) };
}
