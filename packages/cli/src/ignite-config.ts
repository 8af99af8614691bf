import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { BloomError } from "@bloomery/contract";
import type { Flags } from "./command.js";

/** Keys that `ignite config set` knows. */
export const igniteKeys = ["token", "api_endpoint", "org_id"] as const;
export type IgniteKey = (typeof igniteKeys)[number];

/** What the user's Ignite settings file says. */
export interface IgniteConfig {
  /** The file, whether it is there or not. */
  readonly path: string;
  readonly values: Readonly<Partial<Record<IgniteKey, string>>>;
}

interface IgniteConfigSources {
  readonly flags: Flags;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** Reads the settings file; without one nothing is set. Throws ERR_INVALID_ARGUMENT for one that is not YAML. */
export async function loadIgniteConfig(sources: IgniteConfigSources): Promise<IgniteConfig> {
  const path = findIgniteConfig(sources);
  const text = readText(path);
  if (text === undefined || text.trim() === "") return { path, values: {} };
  const { parseDocument, LineCounter } = await import("yaml");
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter });
  const [error] = document.errors;
  if (error !== undefined)
    throw notYaml(path, error.message.split("\n")[0] ?? "", lineCounter.linePos(error.pos[0]));
  const root = asRecord(document.toJS());
  const own = asRecord(root["ignite"]);
  const shared = asRecord(root["global"]);
  const found = igniteKeys.flatMap((key) => {
    const value = own[key] ?? shared[key];
    return typeof value === "string" && value !== "" ? [[key, value] as const] : [];
  });
  return { path, values: Object.fromEntries(found) };
}

/** `--config`, then the folders of the environment, then the one that has a file; otherwise where it is to be made. */
function findIgniteConfig({ flags, env, cwd }: IgniteConfigSources): string {
  const given = typeof flags["config"] === "string" ? resolve(cwd, flags["config"]) : undefined;
  if (given !== undefined) return /\.ya?ml$/.test(given) ? given : join(given, "config.yaml");
  const named = [env["DODIL_CONFIG_DIR"], env["IGNITE_CONFIG_DIR"]].find(
    (one) => one !== undefined && one !== "",
  );
  if (named !== undefined) return join(resolve(cwd, named), "config.yaml");
  const home = env["HOME"] ?? homedir();
  const places = [join(home, ".config", "unified-cli"), join(home, ".ignite")].map((folder) =>
    join(folder, "config.yaml"),
  );
  return places.find((path) => readText(path) !== undefined) ?? places[0] ?? "";
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function notYaml(file: string, reason: string, { line, col }: { line: number; col: number }): BloomError {
  return new BloomError("ERR_INVALID_ARGUMENT", `the settings file is not YAML: ${reason}`, {
    where: { file, line, column: col },
    hint: "Correct it, or name another with --config.",
  });
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
