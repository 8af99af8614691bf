import type { Readable } from "node:stream";
import { BloomError } from "@bloomery/contract";
import type { z } from "zod";
import { splitLines } from "./split-lines.js";

/** One line: the kernel takes no more than this as arguments and environment of a command. */
const maxLineBytes = 4 * 1_048_576;

/** The body of a request that goes on while it is answered. Its parts are asked for one after the other. */
export interface LineBody<Order, Input> {
  /** The first line. Throws ERR_INVALID_ARGUMENT. */
  order(): Promise<Order>;
  /** The rest, as it comes; nothing is read ahead. Throws ERR_INVALID_ARGUMENT. */
  messages(): AsyncIterable<Input>;
}

export function openLineBody<Order extends z.ZodType, Input extends z.ZodType>(
  body: Readable,
  schemas: { readonly order: Order; readonly input: Input },
): LineBody<z.output<Order>, z.output<Input>> {
  // The answer goes on when the body has been read far enough: the connection must not end with it.
  const lines = splitLines(body.iterator({ destroyOnReturn: false }), maxLineBytes);
  return {
    async order() {
      const first = await lines.next();
      if (first.done === true) throw new BloomError("ERR_INVALID_ARGUMENT", "the request has no first line");
      return parseLine(schemas.order, first.value, "the first line");
    },
    async *messages() {
      try {
        for await (const line of lines) yield parseLine(schemas.input, line, "a line");
      } finally {
        body.resume(); // a client that goes on talking would never come to reading the answer
      }
    },
  };
}

function parseLine<T extends z.ZodType>(schema: T, line: string, what: string): z.output<T> {
  const result = schema.safeParse(parseJson(line));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? "" : ` (${issue.path.join(".")})`;
  throw new BloomError(
    "ERR_INVALID_ARGUMENT",
    `${what} of the request is not as it must be${place}: ${issue?.message ?? "not valid"}`,
  );
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
