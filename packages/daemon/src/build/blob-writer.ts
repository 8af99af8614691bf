import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A content that is on disk under a temporary name. */
export interface PendingBlob {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** Gives it its lasting name; the same content from elsewhere is replaced by itself. */
  commit(): Promise<void>;
  /** Removes it, unless it was committed. */
  discard(): Promise<void>;
}

export interface BlobWriter {
  /** Writes and hashes a body; leaves nothing when the body breaks off. */
  write(body: AsyncIterable<Buffer>): Promise<PendingBlob>;
  /** A fresh path on the same file system. */
  tempPath(): string;
}

export function openBlobWriter(places: {
  readonly temp: string;
  readonly pathOf: (sha256: string) => string;
}): BlobWriter {
  const tempPath = (): string => join(places.temp, randomUUID());
  return {
    tempPath,
    async write(body) {
      const temp = tempPath();
      const hash = createHash("sha256");
      let size = 0;
      const file = await open(temp, "wx", 0o600);
      try {
        for await (const chunk of body) {
          hash.update(chunk);
          size += chunk.length;
          await file.writeFile(chunk);
        }
      } catch (error) {
        await rm(temp, { force: true });
        throw error;
      } finally {
        await file.close();
      }
      const sha256 = hash.digest("hex");
      let isPending = true;
      return {
        sha256,
        size,
        async commit() {
          if (!isPending) return;
          await mkdir(dirname(places.pathOf(sha256)), { recursive: true, mode: 0o700 });
          await rename(temp, places.pathOf(sha256));
          isPending = false;
        },
        async discard() {
          if (isPending) await rm(temp, { force: true });
          isPending = false;
        },
      };
    },
  };
}
