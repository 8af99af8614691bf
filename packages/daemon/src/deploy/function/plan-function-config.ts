import {
  ignite,
  type AppConfig,
  type FunctionConfig,
  type JsonValue,
  type LimitsConfig,
} from "@bloomery/contract";
import { toCrate } from "../../build/function/parse-dependency.js";
import type { DraftWishes } from "../../store/versions.js";

const mebibyte = 1024 ** 2;

/** What a draft says that says nothing. */
export const noWishes: DraftWishes = Object.freeze({
  runtime: null,
  dependencies: Object.freeze([]),
  inputSchema: null,
  outputSchema: null,
});

/**
 * The final config of a function: what its draft wishes, over what was said to the platform about the app, over what
 * the code says. 0 and nothing mean that the next one decides. Other shapes stay as they are.
 */
export function planFunctionConfig(
  config: AppConfig,
  settings: ignite.AppSettings,
  wishes: DraftWishes = noWishes,
): AppConfig {
  if (config.function === null) return config;
  const planned = planFunction(config.function, settings, wishes);
  const { timeouts } = config.web;
  const channel = wishes.runtime?.rust.toolchainVersion ?? settings.runtime?.rust.toolchainVersion;
  return {
    ...config,
    function: planned,
    toolchain: channel === undefined ? config.toolchain : { channel, source: "platform" },
    limits: planLimits(config.limits, settings),
    web: {
      ...config.web,
      timeouts: {
        ...timeouts,
        // As much longer than an execution as before: the function's own answer comes first.
        readSeconds: timeouts.readSeconds + planned.timeoutSeconds - config.function.timeoutSeconds,
      },
    },
  };
}

function planFunction(
  own: FunctionConfig,
  settings: ignite.AppSettings,
  wishes: DraftWishes,
): FunctionConfig {
  const { scaling = {}, limits = {} } = settings;
  const runtime = wishes.runtime ?? settings.runtime;
  const input = readSchema(wishes.inputSchema) ?? readSchema(settings.inputSchema);
  const output = readSchema(wishes.outputSchema) ?? readSchema(settings.outputSchema);
  return {
    ...own,
    ...planReplicas(own, scaling),
    target: runtime === undefined ? own.target : targets[runtime.rust.target],
    timeoutSeconds: said(limits.timeoutSecs) ?? own.timeoutSeconds,
    concurrency: said(scaling.maxConcurrency) ?? own.concurrency,
    queueLimit: said(scaling.queueLimit) ?? own.queueLimit,
    idleSeconds: said(scaling.idleSecs) ?? own.idleSeconds,
    allowUnauthenticated: settings.allowUnauthenticated ?? own.allowUnauthenticated,
    keepPayloads: settings.keepPayloads ?? own.keepPayloads,
    inputSchema: input ?? own.inputSchema,
    outputSchema: output ?? own.outputSchema,
    mcp: settings.mcpEnabled ?? own.mcp,
    description: settings.description ?? own.description,
    dependencies: joinDependencies(own.dependencies, wishes.dependencies),
  };
}

const targets = {
  RUST_COMPILATION_TARGET_NATIVE: "native",
  RUST_COMPILATION_TARGET_WASM: "wasm",
} as const satisfies Record<ignite.RustTarget, FunctionConfig["target"]>;

/** What was said wins; the other bound gives way to it. */
function planReplicas(
  own: FunctionConfig,
  scaling: NonNullable<ignite.AppSettings["scaling"]>,
): Pick<FunctionConfig, "minReplicas" | "maxReplicas"> {
  const least = said(Math.max(scaling.minReplicas ?? 0, scaling.reserved ?? 0));
  const most = said(scaling.maxReplicas);
  if (most !== undefined) return { minReplicas: Math.min(least ?? own.minReplicas, most), maxReplicas: most };
  const minReplicas = least ?? own.minReplicas;
  return { minReplicas, maxReplicas: Math.max(own.maxReplicas, minReplicas) };
}

function planLimits(own: LimitsConfig, { limits = {}, resourceTier }: ignite.AppSettings): LimitsConfig {
  const tier = resourceTier === undefined ? undefined : ignite.tierLimits[resourceTier];
  const memoryMb = said(limits.memoryMb) ?? tier?.memoryMb;
  const millicores = said(limits.cpuMillicores) ?? tier?.cpuMillicores;
  return {
    ...own,
    memoryBytes: memoryMb === undefined ? own.memoryBytes : memoryMb * mebibyte,
    cpu: millicores === undefined ? own.cpu : millicores / 1000,
  };
}

/** A crate that is named again is wanted as it was named last. */
function joinDependencies(code: readonly string[], wished: readonly string[]): readonly string[] {
  const crate = (text: string): string => toCrate(text.split(/[@+]/)[0] ?? text);
  const named = new Set(wished.map(crate));
  return [...code.filter((text) => !named.has(crate(text))), ...wished];
}

/** A schema that was checked when it was taken in. */
function readSchema(text: string | null | undefined): JsonValue | null {
  return text === null || text === undefined || text.trim() === "" ? null : (JSON.parse(text) as JsonValue);
}

/** 0 is how nothing is said. */
function said(value: number | undefined): number | undefined {
  return value === 0 ? undefined : value;
}

/** The smallest tier that has this memory. */
export function nameTier({ memoryBytes }: Pick<LimitsConfig, "memoryBytes">): ignite.ResourceTier {
  const fits = ignite.resourceTier.options.find(
    (tier) => ignite.tierLimits[tier].memoryMb * mebibyte >= memoryBytes,
  );
  return fits ?? "RESOURCE_TIER_XLARGE";
}

/** Whether an artifact that was compiled with one config is what the other asks for. */
export function isSameProgram(one: AppConfig, other: AppConfig): boolean {
  const facts = ({ toolchain, build, sourceRoot, function: own }: AppConfig): string =>
    JSON.stringify([toolchain.channel, build.cargo, build.hook, sourceRoot, own?.target, own?.dependencies]);
  return facts(one) === facts(other);
}
