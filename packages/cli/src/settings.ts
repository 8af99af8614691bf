import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parse } from "smol-toml";

/** Where the daemon is and who we are to it. */
export interface CliSettings {
  readonly home: string;
  readonly api: string;
  readonly token: string | undefined;
}

export interface SettingsSources {
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly isRoot: boolean;
}

/** Flag, then environment, then `bloom.toml` of the project, then the user's file, then what the daemon wrote. */
export function resolveCliSettings({ flags, env, cwd, isRoot }: SettingsSources): CliSettings {
  const config = env["XDG_CONFIG_HOME"] ?? join(homedir(), ".config");
  const project = readToml(join(cwd, "bloom.toml"));
  const user = readToml(join(config, "bloomery", "config.toml"));
  const home = first(text(flags["home"]), env["BLOOM_HOME"]) ?? defaultHome(env, isRoot);
  const chosen = first(
    text(flags["api"]),
    env["BLOOM_API"],
    env["IGNITE_API_ENDPOINT"],
    text(project["api"]),
    text(user["api"]),
  );
  const local = readJson(join(home, "api.json"));
  const api = chosen ?? text(local["apiUrl"]) ?? "http://127.0.0.1:4600";
  const token =
    first(
      text(flags["token"]),
      env["BLOOM_TOKEN"],
      env["DODIL_TOKEN"],
      env["IGNITE_TOKEN"],
      text(user["token"]),
    ) ?? readText(join(home, "admin.token"));
  return Object.freeze({ home, api, token });
}

/** Same rule as the daemon's. */
function defaultHome(env: NodeJS.ProcessEnv, isRoot: boolean): string {
  if (isRoot) return "/var/lib/bloomery";
  return join(env["XDG_DATA_HOME"] ?? join(homedir(), ".local/share"), "bloomery");
}

function first(...values: (string | undefined)[]): string | undefined {
  return values.find((value) => value !== undefined && value !== "");
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
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
