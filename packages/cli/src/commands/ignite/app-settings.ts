import { BloomError, ignite, variableName, type ApiRoutes, type RouteInput } from "@bloomery/contract";
import type { Context, Flags, FlagSpec } from "../../command.js";
import { unknownWord } from "../parse-flag.js";
import { parseCount } from "../place.js";
import { readSchema } from "./read-schema.js";

/** What may be said about a function besides its code, as the API takes it. */
export type Settings = RouteInput<ApiRoutes["igniteUpdateAppConfig"]>["body"];

export const runtimeFlags: readonly FlagSpec[] = [
  { flag: "--runtime <name>", about: "rust: functions are written in it", fallback: "rust" },
  { flag: "--rust-target <target>", about: "native; wasm is known, but not built by this release yet" },
  { flag: "--toolchain <version>", about: "the Rust toolchain, such as 1.93" },
];

export const schemaFlags: readonly FlagSpec[] = [
  {
    flag: "--input-schema <json>",
    about: "JSON Schema of the request, or @FILE; checked before the function is called",
  },
  { flag: "--output-schema <json>", about: "JSON Schema of the answer, or @FILE" },
];

export const settingFlags: readonly FlagSpec[] = [
  ...runtimeFlags,
  { flag: "--description <text>", about: "what it does" },
  { flag: "-t, --tier <tier>", about: "small, medium, large or xlarge: memory and processor time" },
  { flag: "--memory <mb>", about: "megabytes, instead of the tier's; 0 for those" },
  { flag: "--cpu <millicores>", about: "thousandths of a processor, instead of the tier's; 0 for those" },
  { flag: "--timeout-secs <seconds>", about: "how long one execution may take; 0 for the platform's limit" },
  {
    flag: "--storage-mode <mode>",
    about: "persistent, ephemeral or ttl: kept with the function, of no effect yet",
  },
  { flag: "--ttl <seconds>", about: "how long storage is to be kept in the mode ttl: of no effect yet" },
  { flag: "--max-replicas <count>", about: "at most so many instances; 0 for the platform's limit" },
  { flag: "--min-replicas <count>", about: "at least so many; with 0 it sleeps when nobody asks" },
  { flag: "--reserved <count>", about: "instances kept warm" },
  { flag: "--auto-mode <mode>", about: "disabled, enabled, tier-only or scale-only: kept, of no effect yet" },
  { flag: "--concurrency <count>", about: "executions in an instance at a time; 0 for as many as come" },
  { flag: "--queue-limit <count>", about: "requests that may wait for a place; beyond it the answer is 503" },
  { flag: "--idle-secs <seconds>", about: "how long nothing must happen before it sleeps" },
  ...schemaFlags,
  { flag: "--mcp-enabled", about: "offer it as an MCP tool" },
  { flag: "--no-mcp-enabled", about: "do not" },
  { flag: "--allow-unauthenticated", about: "its address needs no token" },
  { flag: "--no-allow-unauthenticated", about: "it needs one (so it is with new ones)" },
  { flag: "--keep-payloads", about: "keep what executions were called with, which a replay needs" },
  { flag: "--no-keep-payloads", about: "do not (so it is with new ones)" },
  { flag: "--env <name=value>", about: "an environment variable; others stay as they are", many: true },
];

export const unsetEnvFlag: FlagSpec = {
  flag: "--unset-env <name>",
  about: "take an environment variable away",
  many: true,
};

/** What the flags say; what is not given is not said. Throws ERR_INVALID_ARGUMENT. */
export async function planSettings(context: Context): Promise<Settings> {
  const { flags } = context;
  const settings = {
    description: textOf(flags, "description"),
    runtime: planRuntime(flags),
    resourceTier: enumOf(flags, "tier", "RESOURCE_TIER_", ignite.resourceTier.options),
    limits: part({
      memoryMb: numberOf(flags, "memory"),
      cpuMillicores: numberOf(flags, "cpu"),
      timeoutSecs: numberOf(flags, "timeout-secs"),
    }),
    scaling: part({
      minReplicas: numberOf(flags, "min-replicas"),
      maxReplicas: numberOf(flags, "max-replicas"),
      reserved: numberOf(flags, "reserved"),
      autoMode: enumOf(flags, "auto-mode", "AUTO_MODE_", ignite.autoMode.options),
      maxConcurrency: numberOf(flags, "concurrency"),
      queueLimit: numberOf(flags, "queue-limit"),
      idleSecs: numberOf(flags, "idle-secs"),
    }),
    storageMode: enumOf(flags, "storage-mode", "", ignite.storageMode.options),
    ttlSecs: numberOf(flags, "ttl"),
    inputSchema: await readSchema(context, "input-schema"),
    outputSchema: await readSchema(context, "output-schema"),
    mcpEnabled: switchOf(flags, "mcp-enabled"),
    allowUnauthenticated: switchOf(flags, "allow-unauthenticated"),
    keepPayloads: switchOf(flags, "keep-payloads"),
    env: planEnv(flags),
  };
  return given(settings);
}

/** What a draft is compiled with; undefined when no flag says anything. Throws ERR_INVALID_ARGUMENT. */
export function planRuntime(flags: Flags): ignite.RuntimeSource | undefined {
  const { runtime, toolchain } = flags;
  if (typeof runtime === "string" && runtime !== "rust") {
    throw new BloomError(
      "ERR_INVALID_ARGUMENT",
      `--runtime is \`${runtime}\`, but functions run in Rust here`,
      { hint: "Leave --runtime out, or write --runtime rust." },
    );
  }
  const target = enumOf(flags, "rust-target", "RUST_COMPILATION_TARGET_", ignite.rustTarget.options);
  if (target === undefined && typeof toolchain !== "string") return undefined;
  return {
    rust: {
      target: target ?? "RUST_COMPILATION_TARGET_NATIVE",
      ...(typeof toolchain === "string" ? { toolchainVersion: toolchain } : {}),
    },
  };
}

/** `K=V` of --env, and null for --unset-env. */
function planEnv(flags: Flags): Settings["env"] {
  const set = listOf(flags, "env").map((word) => {
    const at = word.indexOf("=");
    if (at > 0) return [parseVariable("--env", word.slice(0, at)), word.slice(at + 1)] as const;
    // What stands there may be a secret; it is not repeated.
    throw new BloomError("ERR_INVALID_ARGUMENT", "--env must be NAME=value", {
      hint: "`secret set` takes a value from standard input or a file.",
    });
  });
  const unset = listOf(flags, "unset-env").map((word) => [parseVariable("--unset-env", word), null] as const);
  const all = [...set, ...unset];
  return all.length === 0 ? undefined : Object.fromEntries(all);
}

function parseVariable(flag: string, word: string): string {
  if (variableName.safeParse(word).success) return word;
  throw new BloomError("ERR_INVALID_ARGUMENT", `${flag} has \`${word}\`, which is not a variable's name`, {
    hint: "Use letters, digits and underscores, not starting with a digit.",
  });
}

export function listOf(flags: Flags, name: string): readonly string[] {
  const value = flags[name];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

export function textOf(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
}

export function numberOf(flags: Flags, name: string): number | undefined {
  const word = textOf(flags, name);
  return word === undefined ? undefined : parseCount(`--${name}`, word, 0);
}

function switchOf(flags: Flags, name: string): boolean | undefined {
  const value = flags[name];
  return typeof value === "boolean" ? value : undefined;
}

/** `tier-only` → `AUTO_MODE_TIER_ONLY`; the wire's own word is understood, too. */
export function enumOf<T extends string>(
  flags: Flags,
  name: string,
  prefix: string,
  known: readonly T[],
): T | undefined {
  const word = textOf(flags, name);
  if (word === undefined) return undefined;
  const plain = (one: string): string => one.slice(prefix.length).toLowerCase().replaceAll("_", "-");
  const found = known.find((one) => one === word || plain(one) === word.toLowerCase().replaceAll("_", "-"));
  if (found !== undefined) return found;
  throw unknownWord(`--${name}`, word, known.map(plain));
}

/** Without what is undefined. */
function given<T extends object>(all: T): Partial<T> {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** The same; undefined when nothing is left. */
function part<T extends object>(all: T): Partial<T> | undefined {
  const left = given(all);
  return Object.keys(left).length === 0 ? undefined : left;
}
