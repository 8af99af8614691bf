import {
  functionDefaults as defaults,
  parseByteSize,
  type FunctionConfig,
  type Problem,
} from "@bloomery/contract";
import { manifestProblem } from "./manifest-file.js";
import type { ProjectParts } from "./parts.js";
import { resolveSchema } from "./resolve-schema.js";

interface Resolved {
  readonly function: FunctionConfig;
  readonly problems: readonly Problem[];
}

/** `[function]`, and what of `[build]`, `[run]` and `[limits]` makes an app a function. */
export function resolveFunction(parts: ProjectParts): Resolved {
  const { build = {}, run = {}, limits = {}, function: own = {} } = parts.toml.data;
  const input = resolveSchema(parts, "input_schema");
  const output = resolveSchema(parts, "output_schema");
  const minReplicas = run.min_replicas ?? defaults.minReplicas;
  return {
    function: {
      target: build.target === "wasm" ? "wasm" : "native",
      timeoutSeconds: limits.timeout_seconds ?? defaults.timeoutSeconds,
      concurrency: run.concurrency ?? defaults.concurrency,
      queueLimit: own.queue_limit ?? defaults.queueLimit,
      minReplicas,
      maxReplicas: run.max_replicas ?? Math.max(defaults.maxReplicas, minReplicas),
      idleSeconds: run.idle_seconds ?? defaults.idleSeconds,
      maxBodyBytes: bytesOf(own.max_body) ?? defaults.maxBodyBytes,
      tempBytes: bytesOf(own.temp) ?? defaults.tempBytes,
      allowUnauthenticated: own.allow_unauthenticated ?? defaults.allowUnauthenticated,
      keepPayloads: own.keep_payloads ?? defaults.keepPayloads,
      inputSchema: input.schema,
      outputSchema: output.schema,
      mcp: own.mcp ?? defaults.mcp,
      description: own.description ?? defaults.description,
      dependencies: own.dependencies ?? defaults.dependencies,
    },
    problems: [...input.problems, ...output.problems, ...checkReplicas(parts), ...checkTarget(parts)],
  };
}

function bytesOf(size: string | number | undefined): number | null {
  return size === undefined ? null : parseByteSize(size);
}

function checkReplicas({ toml }: ProjectParts): Problem[] {
  const { min_replicas: min, max_replicas: max } = toml.data.run ?? {};
  if (min === undefined || max === undefined || min <= max) return [];
  const message = `there cannot be at most ${max} instances and at least ${min}; raise this or lower min_replicas`;
  return [manifestProblem(toml, "error", ["run", "max_replicas"], message)];
}

/** A target triple is a web app's. */
function checkTarget({ toml }: ProjectParts): Problem[] {
  const target = toml.data.build?.target;
  if (target === undefined || target === "native") return [];
  if (target !== "wasm") {
    const message = `a function becomes a program of this machine or a component, not code for ${JSON.stringify(target)}; write target = "native", or remove it`;
    return [manifestProblem(toml, "error", ["build", "target"], message)];
  }
  const message =
    'functions cannot be built as WebAssembly components by this release yet; write target = "native"';
  const problem = manifestProblem(toml, "error", ["build", "target"], message);
  return [{ ...problem, code: "ERR_SHAPE_UNSUPPORTED" }];
}
