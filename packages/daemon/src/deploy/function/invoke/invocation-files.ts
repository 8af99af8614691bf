import { chmod, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ignite } from "@bloomery/contract";
import { z } from "zod";

/** A request as it is kept. */
export interface KeptRequest {
  readonly request: ignite.InvokeRequest;
  /** Null: whatever version is live when it runs. */
  readonly version: number | null;
}

/** The beginning of an answer as it is kept. */
export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Whether the body was longer. */
  readonly truncated: boolean;
}

/** Requests that wait or may be replayed, and the answers of executions nobody waited for; by execution. */
export interface InvocationFiles {
  /** When it returns, the request survives the daemon, and with `syncs` the machine. */
  writeRequest(execution: string, kept: KeptRequest): Promise<void>;
  /** Undefined when there is none, or none that can be read. */
  readRequest(execution: string): Promise<KeptRequest | undefined>;
  removeRequest(execution: string): Promise<void>;
  writeAnswer(execution: string, answer: KeptAnswer): Promise<void>;
  readAnswer(execution: string): Promise<KeptAnswer | undefined>;
  /** Removes files without an execution; those of the last minutes may be of one that is being made. */
  sweep(listKnown: (ids: readonly string[]) => Promise<ReadonlySet<string>>): Promise<number>;
}

/** Of an answer's body this much is kept. */
export const keptBodyBytes = 1024 ** 2;
const defaultFreshMs = 10 * 60_000;

export interface FileOptions {
  /** Files younger than this may belong to an execution that is being made. */
  readonly freshMs?: number;
  /** Whether requests are to outlive a power cut, which makes sense where their rows do. */
  readonly syncs?: boolean;
}

// A file is one line of JSON, then the bytes as they are.
const requestHead = z.object({
  http: z.object({
    method: z.string(),
    path: z.string(),
    query: z.string(),
    headers: z.record(z.string(), z.string()),
  }),
  version: z.number().int().nullable(),
});
const answerHead = z.object({
  status: z.number().int(),
  headers: z.record(z.string(), z.string()),
  truncated: z.boolean(),
});

export async function openInvocationFiles(
  folder: string,
  { freshMs = defaultFreshMs, syncs = false }: FileOptions = {},
): Promise<InvocationFiles> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const fileOf = (execution: string, what: "request" | "answer"): string => {
    // Ids come from callers, too, and are names of files here.
    if (!/^x-[0-9a-z]{1,64}$/.test(execution)) throw new Error(`${execution} is no id of an execution`);
    return join(folder, `${execution}.${what}`);
  };

  return {
    async writeRequest(execution, { request, version }) {
      const head = { http: request.http, version };
      await writeWhole(fileOf(execution, "request"), head, request.payload, syncs);
      if (syncs) await syncFolder(folder);
    },
    async readRequest(execution) {
      const found = await readParts(fileOf(execution, "request"), requestHead);
      return (
        found && { request: { http: found.head.http, payload: found.body }, version: found.head.version }
      );
    },
    removeRequest: (execution) => rm(fileOf(execution, "request"), { force: true }),
    async writeAnswer(execution, { body, ...head }) {
      await writeWhole(fileOf(execution, "answer"), head, body, false);
    },
    async readAnswer(execution) {
      const found = await readParts(fileOf(execution, "answer"), answerHead);
      return found && { ...found.head, body: found.body };
    },
    async sweep(listKnown) {
      const before = Date.now() - freshMs;
      const names = await readdir(folder);
      const known = await listKnown([...new Set(names.map(executionOf))]);
      let removed = 0;
      for (const name of names) {
        if (known.has(executionOf(name))) continue;
        const found = await stat(join(folder, name)).catch(() => undefined);
        if (found === undefined || found.ctimeMs > before) continue;
        await rm(join(folder, name), { force: true });
        removed++;
      }
      return removed;
    },
  };
}

function executionOf(name: string): string {
  return name.slice(0, name.indexOf("."));
}

/** Under its name it is whole. */
async function writeWhole(path: string, head: object, body: Uint8Array, syncs: boolean): Promise<void> {
  const fresh = `${path}.new`;
  const file = await open(fresh, "w", 0o600);
  try {
    await file.writev([Buffer.from(`${JSON.stringify(head)}\n`), body]);
    if (syncs) await file.datasync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
}

/** Names are in the folder, which is a file of its own. */
async function syncFolder(folder: string): Promise<void> {
  const dir = await open(folder);
  try {
    await dir.sync();
  } finally {
    await dir.close();
  }
}

async function readParts<T extends z.ZodType>(
  path: string,
  schema: T,
): Promise<{ readonly head: z.output<T>; readonly body: Buffer<ArrayBuffer> } | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  const end = bytes?.indexOf("\n") ?? -1;
  if (bytes === undefined || end < 0) return undefined;
  try {
    return { head: schema.parse(JSON.parse(bytes.toString("utf8", 0, end))), body: bytes.subarray(end + 1) };
  } catch {
    return undefined;
  }
}
