import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { BloomError } from "@bloomery/contract";
import { countOomKills, countRefusals, endProcessTree, removeGroups } from "./end-process-tree.js";
import { createLineSplitter, type OnSegment } from "./line-splitter.js";
import type { BuildStep } from "./plan-build.js";

/** How one step of a build ended. */
export interface StepResult {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The kernel killed something in it for want of memory. */
  readonly oom: boolean;
  /** It was refused a further process or thread. */
  readonly crowded: boolean;
}

/** Output that nobody writes to any more is read for this long, should some handle linger. */
const lingerMs = 2000;

/**
 * Runs one step under `bloom-shim exec` in a process group of its own and reads its output. Whatever way it
 * ends, and when `signal` aborts, everything it started is dead before this resolves.
 */
export async function runStep(
  step: BuildStep,
  options: {
    readonly shimPath: string;
    readonly signal: AbortSignal;
    readonly onSegment: OnSegment;
    /** Takes what it says on standard error, when that is to be kept apart. */
    readonly onErrors?: OnSegment;
  },
): Promise<StepResult> {
  const groups = step.spec.cgroups.map((group) => group.path);
  const child = spawn(options.shimPath, ["exec"], {
    detached: true,
    env: {},
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const exit = waitForExit(child, options.shimPath);
  const closed = new Promise((resolve) => child.once("close", resolve));
  sendSpec(child, step);
  readOutput(child.stdout, options.onSegment);
  readOutput(child.stderr, options.onErrors ?? options.onSegment);
  const pid = child.pid;
  const stop = async (): Promise<void> => {
    if (pid !== undefined) await endProcessTree({ pid, groups, uid: step.spec.user?.uid ?? null });
  };
  const onAbort = (): void => void stop().catch(() => undefined);
  options.signal.addEventListener("abort", onAbort, { once: true });
  if (options.signal.aborted) onAbort();
  try {
    const { code, signal } = await exit;
    // Also after a good end: a build may have left something behind.
    await stop();
    await Promise.race([closed, delay(lingerMs, undefined, { ref: false })]);
    const oom = (await countOomKills(groups)) > 0;
    return { code, signal, oom, crowded: (await countRefusals(groups)) > 0 };
  } finally {
    options.signal.removeEventListener("abort", onAbort);
    child.stdout?.destroy();
    child.stderr?.destroy();
    await removeGroups(groups);
  }
}

async function waitForExit(
  child: ChildProcess,
  shimPath: string,
): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    return { code, signal };
  } catch (cause) {
    throw new BloomError("ERR_SANDBOX_UNAVAILABLE", `${shimPath} could not be run`, { cause });
  }
}

/** On its own descriptor: the specification holds the build's variables, which must not be in any argv. */
function sendSpec(child: ChildProcess, step: BuildStep): void {
  const pipe = child.stdio[3] as Writable;
  pipe.on("error", () => undefined); // the exit code tells
  pipe.end(JSON.stringify(step.spec));
}

function readOutput(stream: Readable | null, onSegment: OnSegment): void {
  const splitter = createLineSplitter(onSegment);
  stream?.on("data", (chunk: Buffer) => splitter.push(chunk));
  stream?.once("end", () => splitter.end());
  stream?.on("error", () => undefined);
}
