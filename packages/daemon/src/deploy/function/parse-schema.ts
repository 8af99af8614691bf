import { BloomError, type JsonValue } from "@bloomery/contract";

/**
 * The JSON Schema in a text; null for none. Throws ERR_INVALID_ARGUMENT for what is no JSON or no schema by its form;
 * whether its words are understood is seen where requests are held against it.
 */
export function parseSchema(what: string, text: string | null | undefined): JsonValue | null {
  if (text === undefined || text === null || text.trim() === "") return null;
  let schema: JsonValue;
  try {
    schema = JSON.parse(text) as JsonValue;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : "";
    throw new BloomError("ERR_INVALID_ARGUMENT", `${what} is not JSON: ${reason}`, { cause });
  }
  const isObject = typeof schema === "object" && schema !== null && !Array.isArray(schema);
  if (isObject || typeof schema === "boolean") return schema;
  throw new BloomError("ERR_INVALID_ARGUMENT", `${what} is not a JSON Schema: it must be an object`, {
    hint: 'Write an object such as {"type": "object", "required": ["message"]}.',
  });
}
