import { BloomError, type ApiRoutes, type RouteInput } from "@bloomery/contract";
import type { ArgumentSpec, Context, Flags, FlagSpec } from "../../command.js";
import { findJsonError } from "../../find-json-error.js";
import { listOf, textOf } from "./app-settings.js";
import { readPayload, type PayloadSource } from "./read-payload.js";

/** A call as the API takes it. */
export type Call = RouteInput<ApiRoutes["igniteInvoke"]>["body"];

export const inputArgument: ArgumentSpec = {
  name: "input",
  about: "`-`: the payload comes from standard input",
  optional: true,
};

export const callFlags: readonly FlagSpec[] = [
  { flag: "-p, --payload <json>", about: "what it is called with" },
  { flag: "--payload-file <file>", about: "the same, from a file; `-` for standard input" },
  { flag: "--raw", about: "send the payload as it is, JSON or not" },
  { flag: "--method <method>", about: "of the request that the function sees", fallback: "POST" },
  { flag: "--path <path>", about: "its path", fallback: "/" },
  { flag: "--query <name=value>", about: "a part of its query", many: true },
  { flag: "--header <name: value>", about: "one of its headers", many: true },
];

/** The request that the flags describe. Throws ERR_INVALID_ARGUMENT or ERR_LIMIT_REACHED. */
export async function planCall(context: Context, input?: string): Promise<Call> {
  const { flags } = context;
  const http = planHttp(flags);
  const source = findSource(flags, input);
  if (source === undefined) return { http };
  const bytes = await readPayload(context, source);
  const isRaw = flags["raw"] === true;
  if (!isRaw) assertJson(source, bytes.toString("utf8"));
  const type = isRaw ? "application/octet-stream" : "application/json";
  const isTyped = Object.keys(http.headers).some((name) => name.toLowerCase() === "content-type");
  return {
    http: isTyped ? http : { ...http, headers: { ...http.headers, "content-type": type } },
    payload: bytes.toString("base64"),
  };
}

function findSource(flags: Flags, input: string | undefined): PayloadSource | undefined {
  if (input !== undefined && input !== "-") {
    throw new BloomError("ERR_USAGE", `\`${input}\` is not expected here`, {
      hint: "Give the payload with -p JSON, --payload-file FILE, or `-` for standard input.",
    });
  }
  const text = textOf(flags, "payload");
  const file = textOf(flags, "payload-file");
  const given = [text, file, input].filter((one) => one !== undefined);
  if (given.length > 1) {
    throw new BloomError("ERR_USAGE", "the payload is given more than once", {
      hint: "Give one of -p, --payload-file and `-`.",
    });
  }
  if (given.length === 0) return undefined;
  if (given[0] === "-") return { kind: "stdin", name: "standard input", value: "-" };
  return text === undefined
    ? { kind: "file", name: file ?? "", value: file ?? "" }
    : { kind: "text", name: "--payload", value: text };
}

function assertJson({ kind, name }: PayloadSource, text: string): void {
  const mistake = findJsonError(text);
  if (mistake === undefined) return;
  const { line, column, expected } = mistake;
  const place = line === 1 ? `column ${column}` : `line ${line}, column ${column}`;
  throw new BloomError("ERR_INVALID_ARGUMENT", `${name} is not JSON: expected ${expected} at ${place}`, {
    hint:
      kind === "text"
        ? `Put single quotes around it, so that the shell leaves it as it is: -p '{"message": "hi there"}'. With --raw any bytes are sent.`
        : "With --raw any bytes are sent.",
    ...(kind === "file" ? { where: { file: name, line, column } } : {}),
  });
}

function planHttp(flags: Flags): {
  method: string;
  path: string;
  query: string;
  headers: Record<string, string>;
} {
  const method = (textOf(flags, "method") ?? "POST").toUpperCase();
  if (!/^[A-Z]{1,20}$/.test(method))
    throw new BloomError("ERR_INVALID_ARGUMENT", `--method is \`${method}\`, but must be like GET or POST`);
  const path = textOf(flags, "path") ?? "/";
  if (!path.startsWith("/") || /[\s?#]/.test(path)) {
    throw new BloomError(
      "ERR_INVALID_ARGUMENT",
      `--path is \`${path}\`, but must begin with / and have no query`,
      {
        hint: "--query NAME=VALUE adds a query; write a space as %20.",
      },
    );
  }
  const query = listOf(flags, "query")
    .map((word) => word.replace(/^\?/, ""))
    .join("&");
  if (/[\s#]/.test(query)) {
    throw new BloomError("ERR_INVALID_ARGUMENT", "--query has a space or a `#` in it", {
      hint: "Write them as %20 and %23.",
    });
  }
  return { method, path, query, headers: planHeaders(listOf(flags, "header")) };
}

function planHeaders(words: readonly string[]): Record<string, string> {
  const headers = new Map<string, string>();
  for (const word of words) {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(word);
    // Its value may be a secret; it is not repeated.
    if (match === null)
      throw new BloomError("ERR_INVALID_ARGUMENT", "--header must be `Name: value`, on one line");
    const [, name = "", value = ""] = match;
    const key = name.toLowerCase();
    const before = headers.get(key);
    headers.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  return Object.fromEntries(headers);
}
