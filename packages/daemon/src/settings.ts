import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { isIP } from "node:net";
import { dirname, join } from "node:path";
import { BloomError } from "@bloomery/contract";

/** Everything about one daemon that its owner may choose; decided once at start, then frozen. */
export interface Settings {
  /** All of the daemon's state lives below this folder. */
  readonly home: string;
  readonly apiAddress: string;
  readonly apiPort: number;
  readonly httpAddress: string;
  readonly httpPort: number;
  /** Where the ports of tcp apps are opened. */
  readonly tcpAddresses: readonly string[];
  /** Apps are served as `<app>-<org>.<baseDomain>`. */
  readonly baseDomain: string;
  /** `sqlite:/path` or `postgres://…`. */
  readonly database: string;
  /** The IPv4 block to try first for instances and stable addresses; null: the default ones. */
  readonly network: string | null;
  /** Whether apps may run with less isolation than their manifests say, where the machine cannot give it. */
  readonly isWeakAccepted: boolean;
  /** First uid of the range that apps and builds run under. */
  readonly uidBase: number;
  readonly shimPath: string;
  /** The program that runs prefork apps. */
  readonly preforkPath: string;
  /** The folder of the crates that functions and prefork apps are written with. */
  readonly sdkPath: string;
  readonly logLevel: string;
  /** How long records of executions are kept, whichever comes first: days, and how many of each function. */
  readonly executions: { readonly days: number; readonly count: number };
  readonly build: {
    readonly timeLimitSeconds: number;
    readonly memoryBytes: number;
    readonly cpu: number;
    /** Builds running at the same time, over all apps. */
    readonly parallel: number;
    /** Whether what functions share is compiled before the first one is built. */
    readonly ahead: boolean;
  };
}

/** Flags and variables as the command line gives them: all text, all optional. */
export type SettingsInput = Partial<
  Record<
    | "home"
    | "api-address"
    | "api-port"
    | "http-address"
    | "http-port"
    | "tcp-address"
    | "base-domain"
    | "database"
    | "network"
    | "weak-isolation"
    | "shim"
    | "prefork"
    | "sdk"
    | "log-level"
    | "build-time-limit"
    | "build-memory"
    | "execution-days"
    | "execution-count",
    string
  >
>;

const defaultPorts = { api: 4600, http: 4680 } as const;

/** Where a daemon of this user keeps its state when nobody says otherwise. */
function defaultHome(env: NodeJS.ProcessEnv, isRoot: boolean): string {
  if (env["BLOOM_HOME"] !== undefined && env["BLOOM_HOME"] !== "") return env["BLOOM_HOME"];
  if (isRoot) return "/var/lib/bloomery";
  return join(env["XDG_DATA_HOME"] ?? join(homedir(), ".local/share"), "bloomery");
}

/** Fills defaults and checks every value. Throws ERR_INVALID_ARGUMENT with the flag's name. */
export function resolveSettings(
  input: SettingsInput,
  env: NodeJS.ProcessEnv,
  facts: { readonly isRoot: boolean; readonly shimPath: string; readonly sdkPath?: string },
): Settings {
  const home = input.home ?? defaultHome(env, facts.isRoot);
  if (!home.startsWith("/")) throw invalid("home", home, "an absolute path");
  const shimPath = input.shim ?? env["BLOOM_SHIM"] ?? facts.shimPath;
  const httpAddress = input["http-address"] ?? "127.0.0.1";
  return Object.freeze({
    home,
    apiAddress: input["api-address"] ?? "127.0.0.1",
    apiPort: parseCount("api-port", input["api-port"], defaultPorts.api, 0, 65_535),
    httpAddress,
    httpPort: parseCount("http-port", input["http-port"], defaultPorts.http, 1, 65_535),
    tcpAddresses: parseAddresses("tcp-address", input["tcp-address"], httpAddress),
    baseDomain: input["base-domain"] ?? "localhost",
    database: input.database ?? env["BLOOM_DATABASE"] ?? `sqlite:${join(home, "bloom.db")}`,
    network: input.network ?? null,
    isWeakAccepted: parseWeak(input["weak-isolation"] ?? env["BLOOM_WEAK_ISOLATION"] ?? "refuse"),
    uidBase: planUidBase(home),
    shimPath,
    preforkPath: input.prefork ?? env["BLOOM_PREFORK"] ?? join(dirname(shimPath), "bloom-prefork"),
    sdkPath: input.sdk ?? env["BLOOM_SDK"] ?? facts.sdkPath ?? "/nonexistent",
    logLevel: input["log-level"] ?? env["BLOOM_LOG_LEVEL"] ?? "info",
    executions: Object.freeze({
      days: parseCount("execution-days", input["execution-days"], 7, 1, 3650),
      count: parseCount("execution-count", input["execution-count"], 10_000, 1, 1_000_000),
    }),
    build: Object.freeze({
      timeLimitSeconds: parseCount("build-time-limit", input["build-time-limit"], 3600, 1, 86_400),
      memoryBytes: parseCount("build-memory", input["build-memory"], 4096, 64, 1_048_576) * 1_048_576,
      cpu: 2,
      parallel: 1,
      ahead: env["BLOOM_COMPILE_AHEAD"] !== "0",
    }),
  });
}

/**
 * systemd leaves uids from 0x70000000 up unused; ordinary, dynamic and container uids all lie below. Each home
 * has a range of its own there, because daemons end strays by their uid.
 */
function planUidBase(home: string): number {
  const lane = createHash("sha256").update(home).digest().readUInt16BE(0) % 2000;
  return 1_900_000_000 + lane * 100_000;
}

function parseWeak(text: string): boolean {
  if (text !== "accept" && text !== "refuse") throw invalid("weak-isolation", text, "`accept` or `refuse`");
  return text === "accept";
}

/** Apps that speak raw TCP are reached as far as the others: on this machine, or from everywhere. */
function parseAddresses(name: string, text: string | undefined, httpAddress: string): readonly string[] {
  if (text === undefined) {
    const isLoopback = /^127\.|^::1$|^localhost$/.test(httpAddress);
    return Object.freeze(isLoopback ? ["127.0.0.1", "::1"] : ["0.0.0.0", "::"]);
  }
  const addresses = new Set(text.split(",").map((one) => one.trim()));
  for (const address of addresses) {
    if (!/^[0-9a-fA-F.:]+$/.test(address) || isIP(address) === 0)
      throw invalid(name, text, "IP addresses, separated by commas, such as 192.0.2.1,2001:db8::1");
  }
  return Object.freeze([...addresses]);
}

function parseCount(
  name: string,
  text: string | undefined,
  fallback: number,
  min: number,
  max: number,
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw invalid(name, text, `a whole number from ${min} to ${max}`);
  }
  return value;
}

function invalid(name: string, value: string, wanted: string): BloomError {
  return new BloomError("ERR_INVALID_ARGUMENT", `--${name} is \`${value}\`, but must be ${wanted}`);
}
