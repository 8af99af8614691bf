import { appendFile, mkdir, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

export type HookName = "deploy" | "post_deploy";

/** Bytes; a larger log becomes the `.1` of a new one. */
const rotateAt = 10 * 1024 * 1024;

/** Where the lines of an environment's hooks are kept, in the form of the shim's log. */
export function hookLogFile(logs: string, environmentId: string, hook: HookName): string {
  return join(hookLogFolder(logs, environmentId), `${hook}.log`);
}

export function hookLogFolder(logs: string, environmentId: string): string {
  return join(logs, "environments", environmentId);
}

export interface HookLog {
  write(stream: "out" | "err", text: string): void;
  /** Waits for what is on its way. Says what went wrong with the file, once: a full disk is no failed hook. */
  close(): Promise<Error | null>;
}

/** Appends to the file, which is moved aside first when it has grown. Never throws. */
export function openHookLog(file: string): HookLog {
  let failure: Error | null = null;
  let tail = prepare(file).catch((error: Error) => void (failure = error));
  let waiting: string[] = [];
  return {
    write(stream, text) {
      if (failure !== null) return;
      waiting.push(`${new Date().toISOString()} ${stream} ${text}\n`);
      if (waiting.length > 1) return;
      tail = tail.then(async () => {
        const lines = waiting.join("");
        waiting = [];
        if (failure === null) await appendFile(file, lines).catch((error: Error) => void (failure = error));
      });
    },
    async close() {
      await tail;
      return failure;
    },
  };
}

async function prepare(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size > rotateAt) await rename(file, `${file}.1`);
}
