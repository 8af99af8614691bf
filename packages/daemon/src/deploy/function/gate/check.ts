import { createContext, Script } from "node:vm";
import { BloomError, type ErrorCode, type FunctionConfig, type JsonValue } from "@bloomery/contract";
import { compileSchema, type SchemaCheck } from "../../../config/json-schema.js";

/** Time one check may take: an expression in a schema can be written so that it never ends. */
const mostMilliseconds = 100;
const mostDetails = 20;

/** Methods whose bodies are held against the input schema. */
export function hasInput(method: string): boolean {
  return ["POST", "PUT", "PATCH"].includes(method);
}

/** Throws ERR_INPUT_INVALID, with `pointer` and `details`, when the body is not as the function's schema says. */
export function checkInput(config: Pick<FunctionConfig, "inputSchema">, body: Uint8Array): void {
  check(config.inputSchema, body, { code: "ERR_INPUT_INVALID", what: "input", whole: "the body" });
}

/** The same for an answer: ERR_OUTPUT_INVALID. */
export function checkOutput(config: Pick<FunctionConfig, "outputSchema">, body: Uint8Array): void {
  check(config.outputSchema, body, {
    code: "ERR_OUTPUT_INVALID",
    what: "output",
    whole: "the function's answer",
  });
}

interface Side {
  readonly code: ErrorCode;
  readonly what: "input" | "output";
  readonly whole: string;
}

function check(schema: JsonValue | null, body: Uint8Array, side: Side): void {
  if (schema === null) return;
  const document = parseJson(body, side);
  const validate = obtain(schema, side.what);
  const problems = limited(() => validate(document), side);
  const [first] = problems;
  if (first === undefined) return;
  const where = first.pointer === "" ? side.whole : first.pointer;
  throw refuse(side, `${where} ${first.message}`, first.pointer, problems.slice(0, mostDetails));
}

function parseJson(body: Uint8Array, side: Side): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    const message = `${side.whole} is no JSON: ${error instanceof Error ? error.message : String(error)}`;
    throw refuse(side, message, "", []);
  }
}

function refuse(side: Side, message: string, pointer: string, details: readonly object[]): BloomError {
  return new BloomError(side.code, message, { details: { pointer, details } });
}

/** By text: versions are read from the store again and again, and their schemas with them. */
const byText = new Map<string, SchemaCheck>();
const byObject = new WeakMap<object, SchemaCheck>();
const mostRemembered = 256;

function obtain(schema: JsonValue, what: string): SchemaCheck {
  const known = typeof schema === "object" && schema !== null ? byObject.get(schema) : undefined;
  if (known !== undefined) return known;
  const text = JSON.stringify(schema);
  const compiled = byText.get(text) ?? compileSchema(schema, what);
  byText.delete(text);
  byText.set(text, compiled);
  for (const oldest of byText.keys()) {
    if (byText.size <= mostRemembered) break;
    byText.delete(oldest);
  }
  if (typeof schema === "object" && schema !== null) byObject.set(schema, compiled);
  return compiled;
}

const box: { run: (() => void) | undefined } = { run: undefined };
const context = createContext(box);
const script = new Script("run()");

/** The engine of expressions can be stopped only from outside of it, which is what `vm` is used for. */
function limited<T>(act: () => T, side: Side): T {
  let result: T | undefined;
  box.run = () => void (result = act());
  try {
    script.runInContext(context, { timeout: mostMilliseconds });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
    throw refuse(side, `checking ${side.whole} took longer than ${mostMilliseconds} ms`, "", []);
  } finally {
    box.run = undefined;
  }
  return result as T;
}
