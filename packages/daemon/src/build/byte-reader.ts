import { BloomError } from "@bloomery/contract";

/** Takes exact amounts of bytes out of a stream of chunks; holds one chunk at a time. */
export interface ByteReader {
  /** Exactly `length` bytes; null when the stream ends before them. */
  take(length: number): Promise<Buffer | null>;
  /** The next `length` bytes in pieces. Throws ERR_SOURCE_INCOMPLETE when the stream ends before them. */
  slice(length: number): AsyncIterable<Buffer>;
  /** Reads to the end. Throws ERR_INVALID_ARGUMENT when more than `limit` bytes come. */
  drain(limit: number): Promise<void>;
}

export function openByteReader(stream: AsyncIterable<Uint8Array>): ByteReader {
  const source = stream[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);

  /** Some bytes, at most `limit`; null at the end. */
  const some = async (limit: number): Promise<Buffer | null> => {
    while (held.length === 0) {
      const next = await nextChunk(source);
      if (next === null) return null;
      held = next;
    }
    const part = held.subarray(0, limit);
    held = held.subarray(part.length);
    return part;
  };

  return {
    async take(length) {
      const parts: Buffer[] = [];
      for (let missing = length; missing > 0;) {
        const part = await some(missing);
        if (part === null) return null;
        parts.push(part);
        missing -= part.length;
      }
      return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    },

    slice(length) {
      // One position for all iterations, so that an abandoned one can be taken up again.
      let missing = length;
      return {
        async *[Symbol.asyncIterator]() {
          while (missing > 0) {
            const part = await some(missing);
            if (part === null) throw cutOff();
            missing -= part.length;
            yield part;
          }
        },
      };
    },

    async drain(limit) {
      let seen = 0;
      for (let part = await some(limit + 1); part !== null; part = await some(limit + 1)) {
        seen += part.length;
        if (seen > limit)
          throw new BloomError("ERR_INVALID_ARGUMENT", "the archive goes on after its end mark");
      }
    },
  };
}

/** A connection that breaks is an upload that did not arrive, not a fault of ours; whoever knows better says so. */
async function nextChunk(source: AsyncIterator<Uint8Array>): Promise<Buffer | null> {
  try {
    const next = await source.next();
    if (next.done === true) return null;
    return Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
  } catch (cause) {
    throw cause instanceof BloomError ? cause : cutOff(cause);
  }
}

function cutOff(cause?: unknown): BloomError {
  return new BloomError("ERR_SOURCE_INCOMPLETE", "the upload stopped before its end", { cause });
}
