import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { Header } from "tar";
import { BloomError, type AppRef } from "@bloomery/contract";
import type { Client } from "../client.js";
import type { WalkedProject } from "./walk.js";

export interface Uploaded {
  readonly tree: string;
  readonly sentFiles: number;
  readonly sentBytes: number;
}

/** Tells the daemon what the source consists of and sends only the contents it lacks. */
export async function uploadProject(
  client: Client,
  ref: AppRef,
  project: WalkedProject,
  /** Told how many of the missing files are packed. */
  progress: (done: number, total: number) => void = () => undefined,
): Promise<Uploaded> {
  const params = { org: ref.org, app: ref.app };
  const plan = await client.call("planUpload", { params, body: { entries: [...project.entries] } });
  if (plan.missing.length === 0) return { tree: plan.tree, sentFiles: 0, sentBytes: 0 };
  const files = plan.missing.map((sha256) => {
    const path = project.files.get(sha256);
    if (path !== undefined) return { sha256, path };
    throw new BloomError("ERR_INTERNAL", `the daemon asked for the content ${sha256}, which no file has`);
  });
  let sentFiles = 0;
  let sentBytes = 0;
  const raw = Readable.from(
    packBlobs(files, (bytes) => {
      sentBytes += bytes;
      progress(++sentFiles, files.length);
    }),
    { objectMode: false },
  );
  await client.call("uploadBlobs", { params: { ...params, tree: plan.tree } }, { raw });
  return { tree: plan.tree, sentFiles, sentBytes };
}

const blockBytes = 512;

/** A tar of files named by their content; made as it is read, without temporary files. */
async function* packBlobs(
  files: readonly { sha256: string; path: string }[],
  packed: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  for (const { sha256, path } of files) {
    const { size } = await stat(path).catch(() => ({ size: -1 }));
    if (size < 0) throw changed(path);
    const header = new Header({
      path: sha256,
      mode: 0o644,
      size,
      type: "File",
      mtime: new Date(0),
      uid: 0,
      gid: 0,
    });
    const block = Buffer.alloc(blockBytes);
    header.encode(block);
    yield block;
    let sent = 0;
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      sent += chunk.length;
      if (sent > size) throw changed(path);
      yield chunk;
    }
    if (sent !== size) throw changed(path);
    const rest = size % blockBytes;
    if (rest > 0) yield Buffer.alloc(blockBytes - rest);
    packed(size);
  }
  // The end of an archive.
  yield Buffer.alloc(2 * blockBytes);
}

function changed(path: string): BloomError {
  return new BloomError("ERR_SOURCE_INCOMPLETE", `${path} changed while it was sent`, {
    hint: "Deploy again.",
  });
}
