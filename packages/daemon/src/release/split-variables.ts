import type { AppConfig, JsonValue } from "@bloomery/contract";
import { formatJson, withoutReserved } from "../config/platform-documents.js";

/** A variable's value as a release keeps it: text, or the text of a JSON value. */
export type OwnValue = string | { readonly json: string };

/** What the owner of an app has set, by name: `NAME` or `prefix:name`. */
export interface OwnVariables {
  readonly app: Readonly<Record<string, OwnValue>>;
  readonly environment: Readonly<Record<string, OwnValue>>;
}

export interface SplitVariables {
  /** Plain environment variables. */
  readonly env: Readonly<Record<string, string>>;
  /** The content of PLATFORM_VARIABLES. */
  readonly platform: Readonly<Record<string, JsonValue>>;
}

/** Brings the three levels together: the environment's before the app's before the manifest's. */
export function splitVariables(config: AppConfig, own: OwnVariables): SplitVariables {
  const env: Record<string, string> = { ...config.variables };
  const platform: Record<string, JsonValue> = { ...config.platformVariables };
  for (const level of [own.app, own.environment]) {
    for (const [name, value] of Object.entries(level)) {
      if (name.includes(":")) platform[name] = valueOf(value);
      else env[name] = typeof value === "string" ? value : formatJson(valueOf(value));
    }
  }
  return { env: withoutReserved(env), platform };
}

function valueOf(value: OwnValue): JsonValue {
  return typeof value === "string" ? value : (JSON.parse(value.json) as JsonValue);
}
