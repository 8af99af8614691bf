import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { BloomError } from "@bloomery/contract";
import type { Context } from "../../command.js";
import { formatBytes } from "../../output/table.js";

/** The API takes documents of 64 MiB; base64 makes four bytes of three. */
const maxPayloadBytes = 47 * 1_048_576;

/** Where a payload comes from, and how it is called in a message. */
export interface PayloadSource {
  readonly kind: "text" | "file" | "stdin";
  readonly name: string;
  readonly value: string;
}

/**
 * All of a payload that may go through the API. Of one that is larger no more is read than tells so: a file may have
 * gigabytes, a pipe no end.
 */
export async function readPayload(
  { cwd, stdin }: Pick<Context, "cwd" | "stdin">,
  { kind, value }: PayloadSource,
): Promise<Buffer> {
  if (kind === "text") return assertSmall(Buffer.from(value));
  if (kind === "stdin") return collect(stdin());
  const path = resolve(cwd, value);
  try {
    const { size } = await stat(path);
    if (size > maxPayloadBytes) throw tooLarge(formatBytes(size));
    return await collect(createReadStream(path));
  } catch (error) {
    if (error instanceof BloomError) throw error;
    throw new BloomError(
      "ERR_INVALID_ARGUMENT",
      `--payload-file cannot be read: ${(error as Error).message}`,
    );
  }
}

async function collect(source: AsyncIterable<Uint8Array | string>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of source) {
    const bytes = Buffer.from(piece);
    pieces.push(bytes);
    size += bytes.length;
    if (size > maxPayloadBytes) throw tooLarge(`more than ${formatBytes(maxPayloadBytes)}`);
  }
  return Buffer.concat(pieces);
}

function assertSmall(bytes: Buffer): Buffer {
  if (bytes.length > maxPayloadBytes) throw tooLarge(formatBytes(bytes.length));
  return bytes;
}

function tooLarge(size: string): BloomError {
  return new BloomError(
    "ERR_LIMIT_REACHED",
    `the payload has ${size}, but at most ${formatBytes(maxPayloadBytes)} go through the API`,
    { hint: "Send it to the function's own address, which `bloom app get` shows." },
  );
}
