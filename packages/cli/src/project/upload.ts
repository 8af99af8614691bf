import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { PassThrough, type Readable } from "node:stream";
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
  signal: AbortSignal,
): Promise<Uploaded> {
  const params = { org: ref.org, app: ref.app };
  const plan = await client.call(
    "planUpload",
    { params, body: { entries: [...project.entries] } },
    { signal },
  );
  if (plan.missing.length === 0) return { tree: plan.tree, sentFiles: 0, sentBytes: 0 };
  const files = plan.missing.map((sha256) => ({ sha256, path: project.files.get(sha256) ?? "" }));
  let sentBytes = 0;
  const raw = packBlobs(files, (bytes) => (sentBytes += bytes));
  await client.call("uploadBlobs", { params: { ...params, tree: plan.tree } }, { signal, raw });
  return { tree: plan.tree, sentFiles: files.length, sentBytes };
}

/** A tar stream of files named by their content; made as it is read, without temporary files. */
function packBlobs(
  files: readonly { sha256: string; path: string }[],
  count: (bytes: number) => void,
): Readable {
  const output = new PassThrough();
  const write = async (): Promise<void> => {
    for (const { sha256, path } of files) {
      const { size } = await stat(path);
      const header = new Header({
        path: sha256,
        mode: 0o644,
        size,
        type: "File",
        mtime: new Date(0),
        uid: 0,
        gid: 0,
      });
      const block = Buffer.alloc(512);
      header.encode(block);
      output.write(block);
      let sent = 0;
      for await (const chunk of createReadStream(path)) {
        sent += (chunk as Buffer).length;
        if (!output.write(chunk)) await new Promise((resolve) => output.once("drain", resolve));
      }
      if (sent !== size) {
        throw new BloomError("ERR_SOURCE_INCOMPLETE", `${path} changed while it was sent`, {
          hint: "Deploy again.",
        });
      }
      const rest = size % 512;
      if (rest > 0) output.write(Buffer.alloc(512 - rest));
      count(size);
    }
    output.end(Buffer.alloc(1024));
  };
  write().catch((error: Error) => output.destroy(error));
  return output;
}
