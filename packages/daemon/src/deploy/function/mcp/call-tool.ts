import { BloomError, toBloomError, type JsonValue } from "@bloomery/contract";
import { checkOutput } from "../gate/check.js";
import type { Invoker } from "../ports.js";
import type { Tool } from "./tools.js";

/** What a tool's user gets to see. */
export interface ToolResult {
  readonly content: readonly ToolContent[];
  readonly structuredContent?: Readonly<Record<string, unknown>>;
  readonly isError?: true;
}

type ToolContent =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image" | "audio"; readonly data: string; readonly mimeType: string };

/** Longest answer a tool may give; whoever reads it has a limit, too. */
const mostBytes = 6 * 1024 ** 2;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

/**
 * Calls the function with the arguments as its body, which the invoker holds against its schema as that of any call.
 * What goes wrong is a result, which a model can read.
 */
export async function callTool(
  invoker: Invoker,
  tool: Tool,
  given: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<ToolResult> {
  const { field } = tool.input;
  try {
    const payload = Buffer.from(JSON.stringify((field === null ? given : given[field]) ?? null));
    const answer = await invoke(invoker, tool, payload, signal);
    if (answer.status >= 400) return { content: [describe(answer)], isError: true };
    return { content: [describe(answer)], ...structure(tool, answer) };
  } catch (error) {
    return { content: [{ type: "text", text: sayError(toBloomError(error), field) }], isError: true };
  }
}

async function invoke(
  invoker: Invoker,
  tool: Tool,
  payload: Buffer<ArrayBuffer>,
  signal: AbortSignal,
): Promise<Answer> {
  const headers = { "content-type": "application/json", accept: "application/json, text/*;q=0.9, */*;q=0.5" };
  const request = { http: { method: "POST", path: "/", query: "", headers }, payload };
  const frames = invoker.invoke({ kind: "live", place: tool.place }, request, { kind: "mcp", signal });
  let head = { status: 0, type: "" };
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const frame of frames) {
    if ("head" in frame) head = { status: frame.head.status, type: typeOf(frame.head.headers) };
    else if ("chunk" in frame) {
      chunks.push(frame.chunk.data);
      length += frame.chunk.data.length;
      if (length > mostBytes)
        throw new BloomError(
          "ERR_LIMIT_REACHED",
          `the answer is larger than the ${mostBytes} bytes of a tool`,
        );
    } else if (frame.trailer.status !== "EXECUTION_STATUS_SUCCEEDED" && head.status < 400)
      throw new BloomError(
        "ERR_FUNCTION_UNREACHABLE",
        frame.trailer.error ?? "the function did not come to an end",
      );
  }
  return { ...head, body: Buffer.concat(chunks, length) };
}

function typeOf(headers: Readonly<Record<string, string>>): string {
  const found = Object.entries(headers).find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "";
  return found.split(";")[0]?.trim().toLowerCase() ?? "";
}

function describe({ type, body }: Answer): ToolContent {
  const kind = /^(image|audio)\//.exec(type)?.[1];
  if (kind === "image" || kind === "audio")
    return { type: kind, data: body.toString("base64"), mimeType: type };
  try {
    return { type: "text", text: new TextDecoder("utf-8", { fatal: true }).decode(body) };
  } catch {
    return { type: "text", text: `${body.length} bytes of ${type === "" ? "an unknown type" : type}` };
  }
}

/** Only where the function has said what its answers are like: then they are, or the call has failed. */
function structure({ output, config }: Tool, { body }: Answer): Pick<ToolResult, "structuredContent"> {
  if (output === null) return {};
  checkOutput(config, body);
  const value = JSON.parse(body.toString()) as JsonValue;
  if (output.field !== null) return { structuredContent: { [output.field]: value } };
  return { structuredContent: value as Readonly<Record<string, JsonValue>> };
}

/** The caller knows its arguments: where one field of them is the body, pointers go through it. */
function sayError({ message, code, details }: BloomError, field: string | null): string {
  const pointer: unknown = details?.["pointer"];
  if (typeof pointer !== "string") return JSON.stringify({ error: message, code });
  if (code !== "ERR_INPUT_INVALID" || field === null)
    return JSON.stringify({ error: message, code, pointer });
  const whole = `/${field}${pointer}`;
  const rest = pointer !== "" && message.startsWith(pointer) ? message.slice(pointer.length) : null;
  return JSON.stringify({ error: rest === null ? message : `${whole}${rest}`, code, pointer: whole });
}
