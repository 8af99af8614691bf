import { BloomError } from "@bloomery/contract";

const newline = 0x0a;

/**
 * The lines of a stream, without their ends; a last one needs none. Reads on only when asked for the next line.
 * Throws ERR_LIMIT_REACHED when a line is longer than `maxBytes`.
 */
export async function* splitLines(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<string, void, undefined> {
  let parts: Uint8Array[] = [];
  let held = 0;
  const take = (): string => {
    const line = Buffer.concat(parts, held).toString("utf8");
    parts = [];
    held = 0;
    return line;
  };
  const keep = (part: Uint8Array): void => {
    held += part.length;
    if (held > maxBytes) {
      throw new BloomError("ERR_LIMIT_REACHED", `a line of the request is longer than ${maxBytes} bytes`);
    }
    parts.push(part);
  };
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      keep(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    if (start < chunk.length) keep(chunk.subarray(start));
  }
  if (held > 0) yield take();
}
