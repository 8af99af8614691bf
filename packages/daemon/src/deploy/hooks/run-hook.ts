import { once } from "node:events";
import type { Readable } from "node:stream";
import { BloomError } from "@bloomery/contract";
import { createLineSplitter } from "../../build/line-splitter.js";
import { describeMemory } from "../../run/describe-exit.js";
import type { Instance, RunningCommand } from "../../run/engines/engine.js";
import type { HookLog, HookName } from "./hook-log.js";

export interface HookOrder {
  readonly name: HookName;
  /** A script for `sh`, run in `/app` of the instance; the exit code of the whole script decides. */
  readonly script: string;
  readonly log: HookLog;
  readonly signal: AbortSignal;
  readonly onLine: (text: string) => void;
}

/** Lines that a failure shows again. */
const tailLines = 20;
/** Milliseconds between TERM and KILL when the deployment is cancelled. */
const graceMs = 10_000;

/**
 * Runs a hook inside an instance, without a limit of time, because migrations may take theirs. Throws ERR_HOOK_FAILED
 * with the last lines of its output, and the signal's reason when it was cancelled.
 */
export async function runHook(instance: Instance, order: HookOrder): Promise<void> {
  order.signal.throwIfAborted();
  const tail: string[] = [];
  const say = (stream: "out" | "err", text: string): void => {
    order.log.write(stream, text);
    order.onLine(text);
    tail.push(text);
    if (tail.length > tailLines) tail.shift();
  };
  order.log.write("out", `Launching command '${summarize(order.script)}'`);
  const killsBefore = await countKills(instance);
  const command = await instance.enter({ command: ["/bin/sh", "-c", order.script], env: {}, tty: null });
  command.stdin.end();
  const uncancel = cancelWith(command, order.signal);
  try {
    const read = Promise.all([
      readLines(command.stdout, (text) => say("out", text)),
      readLines(command.stderr, (text) => say("err", text)),
    ]);
    const exit = await command.exit;
    await read;
    order.signal.throwIfAborted();
    if (exit.code === 0) return;
    const isOverLimit = (await countKills(instance)) > killsBefore;
    const limit = isOverLimit ? describeMemory(instance.memoryBytes) : null;
    throw failed(order.name, exit, { tail, limit });
  } finally {
    uncancel();
  }
}

/** Processes of the instance that were killed for their memory, the hook's among them. */
async function countKills(instance: Instance): Promise<number> {
  const { oom_kills: kills } = await instance.refresh().catch(() => instance.status);
  return kills;
}

async function readLines(stream: Readable, onLine: (text: string) => void): Promise<void> {
  const lines = createLineSplitter((text, kind) => {
    if (kind === "line") onLine(text);
  });
  stream.on("data", (chunk: Buffer) => lines.push(chunk));
  if (!stream.closed) await once(stream, "close");
  lines.end();
}

/** TERM, and KILL for those that do not listen. Returns what takes both back. */
function cancelWith(command: RunningCommand, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | undefined;
  const cancel = (): void => {
    command.signal("TERM");
    timer = setTimeout(() => command.signal("KILL"), graceMs);
  };
  signal.addEventListener("abort", cancel, { once: true });
  return () => {
    signal.removeEventListener("abort", cancel);
    clearTimeout(timer);
  };
}

function failed(
  name: HookName,
  exit: { readonly code: number; readonly signal: string | null },
  { tail, limit }: { readonly tail: readonly string[]; readonly limit: string | null },
): BloomError {
  const how = exit.signal === null ? `ended with code ${exit.code}` : `was ended by ${exit.signal}`;
  const why =
    limit === null
      ? ""
      : `; a process was killed, because the instance with the hook used more than ${limit}`;
  const hint = hintOf(name, tail);
  return new BloomError("ERR_HOOK_FAILED", `the ${name} hook ${how}${why}`, {
    details: { hook: name, code: exit.code, tail: [...tail] },
    ...(hint === null ? {} : { hint }),
  });
}

/** Null: the code's own hint says it. */
function hintOf(name: HookName, tail: readonly string[]): string | null {
  if (tail.some((line) => /read-only file system/i.test(line)))
    return "Files below /app cannot be changed after the build: write into a mount, declared under `mounts`.";
  if (name === "post_deploy")
    return "`bloom log post-deploy APP` shows what the hook said; `bloom redeploy APP` runs it again.";
  return null;
}

function summarize(script: string): string {
  const [first = "", ...more] = script.trim().split("\n");
  return `${first.slice(0, 200)}${more.length > 0 || first.length > 200 ? " …" : ""}`;
}
