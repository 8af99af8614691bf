import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdir, readFile, readdir, rename, rm, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { text } from "node:stream/consumers";
import { BloomError, shimHello } from "@bloomery/contract";
import { readProcessStart } from "../process-start.js";
import { planArguments, planDoorFolder, type DoormanPaths } from "./plan-doorman.js";

/** Whom nginx's workers run as; null: the daemon's own user. */
export type Owner = { readonly uid: number; readonly gid: number } | null;

/** Makes the folders; that of the doors is nginx's, so that the doorman needs no rights beyond nginx's own. */
export async function prepareFolders(folder: string, owner: Owner): Promise<void> {
  const doors = planDoorFolder(folder);
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o711);
  await mkdir(doors, { recursive: true });
  await chmod(doors, 0o700);
  if (owner !== null) await chown(doors, owner.uid, owner.gid);
}

/**
 * Starts a doorman, which then lives on its own, and takes away the doors that a dead one has left. Its environment is
 * empty: what it carries comes from strangers, and the daemon's may hold secrets. Throws ERR_INTERNAL.
 */
export async function startDoorman(shimPath: string, paths: DoormanPaths, owner: Owner): Promise<void> {
  const doors = planDoorFolder(paths.folder);
  for (const name of await readdir(doors)) await unlink(join(doors, name)).catch(() => undefined);
  const child = spawn(shimPath, planArguments(paths, owner), {
    ...{ detached: true, env: {}, stdio: ["ignore", "pipe", "ignore"] },
  });
  child.unref();
  const failed = once(child, "error").then(([error]) => Promise.reject(error as Error));
  const hello = await Promise.race([text(child.stdout), failed]).catch((cause: unknown) => {
    throw new BloomError("ERR_INTERNAL", `${shimPath} could not be started`, { cause });
  });
  failed.catch(() => undefined);
  const { data } = shimHello.safeParse(parseJson(hello));
  if (data?.ok === true) return;
  throw new BloomError(
    "ERR_INTERNAL",
    `the doorman did not begin${data === undefined ? "" : `: ${data.error}`}`,
  );
}

/** Writes down which process it is: pid and start time name it for ever. */
export async function recordDoorman(paths: DoormanPaths, pid: number): Promise<void> {
  const fresh = `${paths.record}.new`;
  await writeFile(fresh, JSON.stringify({ pid, start: await readProcessStart(pid) }), { mode: 0o600 });
  await rename(fresh, paths.record);
}

/** From TERM to KILL. */
const graceMs = 3_000;

/** Ends a doorman and everything it carries, and waits until nothing of it is left. */
export async function endDoorman(paths: DoormanPaths): Promise<void> {
  const record = parseRecord(await readFile(paths.record, "utf8").catch(() => ""));
  if (record !== undefined) {
    const isAlive = async (): Promise<boolean> => (await readProcessStart(record.pid)) === record.start;
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      if (!(await isAlive())) break;
      send(record.pid, signal);
      for (const end = Date.now() + graceMs; Date.now() < end && (await isAlive());) await delay(5);
    }
    if (await isAlive()) throw new BloomError("ERR_INTERNAL", `the doorman (pid ${record.pid}) does not end`);
  }
  // As the user it has become it could not do that itself.
  await rm(paths.socket, { force: true });
  await rm(paths.record, { force: true });
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone by itself
  }
}

function parseRecord(document: string): { readonly pid: number; readonly start: string } | undefined {
  const found = parseJson(document) as { pid?: unknown; start?: unknown } | null | undefined;
  if (typeof found?.pid !== "number" || typeof found.start !== "string") return undefined;
  return { pid: found.pid, start: found.start };
}

function parseJson(document: string): unknown {
  try {
    return JSON.parse(document);
  } catch {
    return undefined;
  }
}
