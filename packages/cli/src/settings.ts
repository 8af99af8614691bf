import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "smol-toml";
import { BloomError, defaultOrg } from "@bloomery/contract";
import type { Flags } from "./command.js";
import type { IgniteConfig } from "./ignite-config.js";

/** Where the daemon is and who we are to it. */
export interface CliSettings {
  readonly home: string;
  /** `http://…`, `https://…` or `unix:/path`. */
  readonly api: string;
  readonly token: string | undefined;
  /** Of functions that are named without one. */
  readonly org: string;
}

export interface SettingsSources {
  readonly flags: Flags;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly isRoot: boolean;
  /** What the user's Ignite settings file says. */
  readonly ignite?: IgniteConfig["values"];
}

/**
 * Flag, then environment, then `bloom.toml` of the project, then the user's file, then what the daemon of this
 * machine wrote. Throws ERR_INVALID_ARGUMENT for an address of another form.
 */
export function resolveCliSettings({ flags, env, cwd, isRoot, ignite = {} }: SettingsSources): CliSettings {
  const config = filled(env["XDG_CONFIG_HOME"]) ?? join(homedir(), ".config");
  const user = readToml(join(config, "bloomery", "config.toml"));
  const home = resolve(cwd, filled(flags["home"]) ?? filled(env["BLOOM_HOME"]) ?? defaultHome(env, isRoot));
  const admin = readAdminToken(home);

  const typed =
    filled(flags["api"]) ??
    filled(flags["api-endpoint"]) ??
    filled(env["BLOOM_API"]) ??
    filled(env["IGNITE_API_ENDPOINT"]);
  const ofProject = typed === undefined ? filled(readToml(join(cwd, "bloom.toml"))["api"]) : undefined;
  const local = readJson(join(home, "api.json"));
  const socket = filled(local["socket"]);
  const api =
    typed ??
    ofProject ??
    filled(user["api"]) ??
    ignite.api_endpoint ??
    // Nobody but the daemon can answer on its socket; its port could be another's by now.
    (admin !== undefined && socket !== undefined ? `unix:${socket}` : filled(local["apiUrl"])) ??
    "http://127.0.0.1:4600";
  assertAddress(api);

  const given =
    filled(flags["token"]) ??
    filled(env["BLOOM_TOKEN"]) ??
    filled(env["DODIL_TOKEN"]) ??
    filled(env["IGNITE_TOKEN"]);
  // Somebody else's project must not lead the user's stored token to an address of its own choice, and the
  // machine's own token never leaves the machine.
  const stored = ofProject === undefined ? (filled(user["token"]) ?? ignite.token) : undefined;
  const token = given ?? stored ?? (isOnThisMachine(api) ? admin : undefined);
  return Object.freeze({ home, api, token, org: resolveOrg(flags, env, ignite) });
}

function resolveOrg(flags: Flags, env: NodeJS.ProcessEnv, ignite: IgniteConfig["values"]): string {
  return (
    filled(flags["org"]) ??
    filled(flags["org-name"]) ??
    filled(env["IGNITE_ORG_NAME"]) ??
    filled(env["IGNITE_ORG_ID"]) ??
    ignite.org_id ??
    defaultOrg
  );
}

/** The token that the daemon of this home has written for its own user; undefined for everybody else. */
export function readAdminToken(home: string): string | undefined {
  return readText(join(home, "admin.token"));
}

/** Same rule as the daemon's. */
function defaultHome(env: NodeJS.ProcessEnv, isRoot: boolean): string {
  if (isRoot) return "/var/lib/bloomery";
  return join(filled(env["XDG_DATA_HOME"]) ?? join(homedir(), ".local/share"), "bloomery");
}

/** Throws ERR_INVALID_ARGUMENT. */
export function assertAddress(api: string): void {
  if (/^unix:\/./.test(api)) return;
  if (/^https?:\/\//.test(api) && URL.canParse(api)) return;
  throw new BloomError(
    "ERR_INVALID_ARGUMENT",
    `the daemon's address is \`${api}\`, but must be like http://127.0.0.1:4600 or unix:/path`,
    { hint: "Correct --api, BLOOM_API or `api` in the settings file." },
  );
}

function isOnThisMachine(api: string): boolean {
  if (api.startsWith("unix:")) return true;
  const { hostname } = new URL(api);
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** A text with something in it. */
function filled(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function readText(path: string): string | undefined {
  try {
    return filled(readFileSync(path, "utf8").trim());
  } catch {
    return undefined; // not the daemon's machine, or not its user
  }
}

function readJson(path: string): Record<string, unknown> {
  try {
    return JSON.parse(readText(path) ?? "{}") as Record<string, unknown>;
  } catch {
    return {};
  }
}

function readToml(path: string): Record<string, unknown> {
  try {
    return parse(readText(path) ?? "");
  } catch {
    return {}; // `bloom validate` says what is wrong with it
  }
}
