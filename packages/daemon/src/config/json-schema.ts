import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { BloomError, type JsonValue } from "@bloomery/contract";

/** One thing that is not as a schema says. */
export interface SchemaProblem {
  /** JSON pointer to the field; "" is the whole document. */
  readonly pointer: string;
  readonly message: string;
}

/** Says what is wrong with a document; an empty list: nothing. */
export type SchemaCheck = (document: unknown) => readonly SchemaProblem[];

const draft07 = /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/;
const draft2020 = /^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;

/** Text of a schema as flags and requests carry it; empty: none. Throws ERR_SCHEMA_INVALID. */
export function parseSchema(text: string, what: "input" | "output"): JsonValue | null {
  if (text.trim() === "") return null;
  let schema: JsonValue;
  try {
    schema = JSON.parse(text) as JsonValue;
  } catch (error) {
    throw refuse(what, `it is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  assertSchema(schema, what);
  return schema;
}

/** Throws ERR_SCHEMA_INVALID, which names the schema as `what` and the place in it. */
export function assertSchema(schema: JsonValue, what: "input" | "output"): void {
  compileSchema(schema, what);
}

/**
 * A check that stops at the first problem, because a document of millions of mistakes must not become millions of
 * messages. Formats are notes for the reader, as the standard has it. Nothing is fetched: a schema stands for itself.
 */
export function compileSchema(schema: JsonValue, what: string): SchemaCheck {
  if (typeof schema !== "boolean" && (typeof schema !== "object" || schema === null || Array.isArray(schema)))
    throw refuse(what, "a JSON Schema is an object");
  const options = { strict: false, validateFormats: false, logger: false } as const;
  const ajv = isDraft07(schema, what) ? new Ajv(options) : new Ajv2020(options);
  let validate: ValidateFunction;
  try {
    validate = ajv.compile(schema);
  } catch (error) {
    const first = ajv.errors?.[0];
    const at = first === undefined ? "" : ` at ${first.instancePath === "" ? "its top" : first.instancePath}`;
    const message = first?.message ?? (error instanceof Error ? error.message : String(error));
    throw refuse(what, `${message}${at}`, error);
  }
  return (document) => (validate(document) ? [] : (validate.errors ?? []).map(describe));
}

function isDraft07(schema: JsonValue, what: string): boolean {
  const named = (schema as { readonly $schema?: unknown }).$schema;
  if (named === undefined || (typeof named === "string" && draft2020.test(named))) return false;
  if (typeof named === "string" && draft07.test(named)) return true;
  throw refuse(what, `${JSON.stringify(named)} is neither draft-07 nor 2020-12`);
}

/** A field that is missing, or one too many, is pointed at itself and not at what it belongs to. */
function describe({ instancePath, keyword, params, message = "is not valid" }: ErrorObject): SchemaProblem {
  const names: Readonly<Record<string, unknown>> = params;
  const field = {
    required: names["missingProperty"],
    dependentRequired: names["missingProperty"],
    additionalProperties: names["additionalProperty"],
    unevaluatedProperties: names["unevaluatedProperty"],
  }[keyword];
  const pointer = typeof field === "string" ? `${instancePath}/${escapePointer(field)}` : instancePath;
  return { pointer, message };
}

function escapePointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

function refuse(what: string, message: string, cause?: unknown): BloomError {
  return new BloomError("ERR_SCHEMA_INVALID", `the ${what} schema cannot be used: ${message}`, { cause });
}
