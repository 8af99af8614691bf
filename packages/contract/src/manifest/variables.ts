import { z } from "zod";
import { element } from "./key-meta.js";

/** `variables` of .platform.app.yaml: prefix, then name, then any value. */
export const variablesSchema = z.record(
  z.string(),
  element(z.record(z.string(), z.unknown()), {
    about: "All variables with this prefix.",
    expected: "names with values",
    example: { RUST_LOG: "info" },
  }),
);

/** `[env]` of bloom.toml: names are taken as they are written. */
export const envSchema = z.record(
  z.string(),
  element(z.union([z.string(), z.number(), z.boolean()]), {
    about: "One environment variable.",
    expected: "a text, a number, true or false",
    example: "value",
  }),
);
