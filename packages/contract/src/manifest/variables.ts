import { z } from "zod";
import { element } from "./key-meta.js";

const longestShown = 40;

/** `variables` of .platform.app.yaml: prefix, then name, then any value. */
export const variablesSchema = z.record(
  z.string(),
  element(z.record(z.string(), z.unknown()), {
    about: "All variables with this prefix.",
    expected: "names with values",
    example: { RUST_LOG: "info" },
    correct: belowPrefix,
  }),
);

/** Somebody wrote `FOO: bar` or, as in an API, `env:FOO: bar`. A long value need not be repeated. */
function belowPrefix(written: string, value: unknown): Record<string, unknown> | undefined {
  if (written === "env") return undefined; // the prefix is there, only its variables are not
  const [, prefix = "env", name = written] = /^([^:]+):(.+)$/.exec(written) ?? [];
  const isShort = !(value instanceof Date) && JSON.stringify(value).length <= longestShown;
  return { [prefix]: { [name]: isShort ? value : "…" } };
}

/** `[env]` of bloom.toml: names are taken as they are written. */
export const envSchema = z.record(
  z.string(),
  element(z.union([z.string(), z.number(), z.boolean()]), {
    about: "One environment variable.",
    expected: "a text, a number, true or false",
    example: "value",
  }),
);
