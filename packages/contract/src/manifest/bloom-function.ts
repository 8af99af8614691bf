import { z } from "zod";
import { functionDefaults as defaults } from "../config/function.js";
import { element, key } from "./key-meta.js";
import { bodySize, intWithin, lineText, tmpSize } from "./scalars.js";

/** A file of the project, or the schema itself. */
const jsonSchema = z.union([lineText, z.record(z.string(), z.unknown())]);
const schemaWords = "the path of a JSON file, or a table with the schema itself";

/** As `name@version+feature,feature`; what exactly may stand in it, the build says. */
const dependency = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}(?:@[^+\s][^+]*)?(?:\+\S+)?$/);

/** `[function]`. */
export const functionTable = z.object({
  description: key(z.string().max(4096), {
    about: "What the function does, in a sentence; tools are chosen by it.",
    expected: "a text of at most 4096 characters",
    example: "Answers with a greeting.",
    default: "none",
  }),
  input_schema: key(jsonSchema, {
    about: "The JSON Schema that requests are held against before the handler sees them.",
    expected: schemaWords,
    example: "input.schema.json",
    default: "none: every request reaches the handler",
  }),
  output_schema: key(jsonSchema, {
    about: "The JSON Schema of answers.",
    expected: schemaWords,
    example: "output.schema.json",
    default: "none",
  }),
  mcp: key(z.boolean(), {
    about: "Whether the function is offered as a tool over MCP.",
    expected: "true or false",
    example: true,
    default: String(defaults.mcp),
  }),
  allow_unauthenticated: key(z.boolean(), {
    about: "Whether everybody may call the function, without a token.",
    expected: "true or false",
    example: true,
    default: String(defaults.allowUnauthenticated),
  }),
  keep_payloads: key(z.boolean(), {
    about: "Whether the payloads of requests are kept with their records; a replay needs them.",
    expected: "true or false",
    example: true,
    default: String(defaults.keepPayloads),
  }),
  queue_limit: key(intWithin({ min: 0, max: 100_000 }), {
    about: "Requests that may wait for a place in an instance; the next one is answered with 503.",
    expected: "a whole number from 0 to 100000",
    example: 100,
    default: String(defaults.queueLimit),
  }),
  max_body: key(bodySize, {
    about: "The largest body that a handler takes as a whole; a larger one is answered with 413.",
    expected: 'a size from 1KB to 4GiB such as "6MiB", or a number of bytes',
    example: "6MiB",
    default: "6MiB",
  }),
  temp: key(tmpSize, {
    about: "What one execution may keep in its temporary store.",
    expected: 'a size of at least 1MB such as "64MiB", or a number of bytes',
    example: "64MiB",
    default: "64MiB",
  }),
  dependencies: key(
    z.array(
      element(dependency, {
        about: "A crate: `name`, `name@version` or `name@version+feature,feature`.",
        expected: "a crate as name, name@version or name@version+feature",
        example: "uuid@1+v4",
      }),
    ),
    {
      about: "Crates to add to those of Cargo.toml when the function is built.",
      expected: "a list of crates",
      example: ["uuid@1+v4"],
      default: "none",
    },
  ),
});
