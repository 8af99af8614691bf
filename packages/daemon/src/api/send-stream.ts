import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import { toBloomError } from "@bloomery/contract";

/** A stream that has nothing to say yet is begun all the same, so that its reader knows that it was let in. */
const headLimitMs = 50;

/**
 * Sends an NDJSON stream. The first line is awaited for a moment before the head is sent, so that a handler that
 * fails at once still answers with a status and an error document.
 */
export async function sendLines(
  reply: FastifyReply,
  lines: AsyncIterable<unknown>,
  write: (line: unknown) => string = JSON.stringify,
): Promise<FastifyReply> {
  const iterator = lines[Symbol.asyncIterator]();
  const first = iterator.next();
  await Promise.race([first, new Promise((resolve) => setTimeout(resolve, headLimitMs).unref())]);
  const rest = async function* (): AsyncGenerator<string> {
    // A head that has left cannot take an error back: it becomes the last line.
    try {
      for (let result = await first; result.done !== true; result = await iterator.next()) {
        yield `${write(result.value)}\n`;
      }
    } catch (error) {
      yield `${JSON.stringify({ error: toBloomError(error).toDocument() })}\n`;
    } finally {
      await iterator.return?.();
    }
  };
  return reply.type("application/x-ndjson").send(Readable.from(rest(), { objectMode: false }));
}

/**
 * Sends bytes. The head waits for the first of them, because bytes leave no place for an error: a stream that fails
 * later breaks the connection off, and its reader sees that the end is missing.
 */
export async function sendBytes(
  reply: FastifyReply,
  mediaType: string,
  bytes: AsyncIterable<Uint8Array>,
): Promise<FastifyReply> {
  const iterator = bytes[Symbol.asyncIterator]();
  const first = await iterator.next();
  const rest = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (let result = first; result.done !== true; result = await iterator.next()) yield result.value;
    } finally {
      await iterator.return?.();
    }
  };
  return reply.type(mediaType).send(Readable.from(rest(), { objectMode: false }));
}
