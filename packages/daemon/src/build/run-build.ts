import { BloomError, type BuildStats } from "@bloomery/contract";
import { openBoundedLog, type BoundedLog, type LogLimits } from "./bounded-log.js";
import { createCargoReader, type BuildProgress } from "./parse-cargo-output.js";
import type { BuildStep } from "./plan-build.js";
import { runStep, type StepResult } from "./run-step.js";

export interface RunBuildOptions {
  readonly shimPath: string;
  readonly logFile: string;
  readonly logLimits?: LogLimits;
  readonly timeLimitMs: number;
  readonly signal: AbortSignal;
  readonly onStep: (step: BuildStep) => void;
  /** Lines as they come, without progress bars, until the log's beginning is full. */
  readonly onLine: (text: string) => void;
  /** What a person should read also where nobody asked for the build's output. */
  readonly onTold: (text: string) => void;
  readonly onProgress: (progress: BuildProgress, step: BuildStep) => void;
}

const tailLines = 20;

/** One build under way: one log and one clock for all of its steps. */
export interface BuildRun {
  /**
   * Runs steps one after the other. Throws ERR_BUILD_FAILED (`details`: exitCode, tail), ERR_BUILD_TIMEOUT,
   * ERR_BUILD_CANCELLED or ERR_SANDBOX_UNAVAILABLE; in every case no process is left.
   */
  run(steps: readonly BuildStep[]): Promise<BuildStats>;
  /**
   * Runs one step whose output somebody here reads; nothing of it goes into the log. Throws as `run` does, but not for
   * an exit code.
   */
  capture(step: BuildStep): Promise<Captured>;
  /** A line of the platform's own in the build's log. */
  note(text: string): void;
  /** Such a line, shown to whoever waits for the build whether or not they asked for its output. */
  tell(text: string): void;
  /** Throws ERR_BUILD_TIMEOUT or ERR_BUILD_CANCELLED when the build has been stopped. */
  assertGoing(): void;
  /** Aborts when the build is cancelled or its time is up. */
  readonly signal: AbortSignal;
  /** Ends the log. `error`: why the build ended, when it did not end well. */
  close(error?: Error): Promise<void>;
}

/** What a captured step said: lines of both streams, as far as there is room for them. */
export interface Captured {
  readonly exitCode: number;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

/** Characters kept of each stream of a captured step. */
const capturedLimit = 4 * 1024 ** 2;

/** Starts the log and the clock of a build. */
export function openBuildRun(options: RunBuildOptions): BuildRun {
  const log = openBoundedLog(options.logFile, options.logLimits);
  const stop = startClock(options.timeLimitMs, options.signal);
  let isFull = false;
  const write = (line: string): void => {
    const isShown = log.write(line);
    if (isShown) options.onLine(line);
    else if (!isFull) options.onLine("… the output is too long to be shown; the build's log keeps its end …");
    isFull = !isShown;
  };
  return {
    signal: stop.signal,
    note: write,
    tell(text) {
      log.write(text);
      options.onTold(text);
    },
    async capture(step) {
      assertGoing(stop.reason(), log, options.timeLimitMs);
      options.onStep(step);
      const [stdout, stderr] = [createKeeper(), createKeeper()];
      const result = await runStep(step, {
        shimPath: options.shimPath,
        signal: stop.signal,
        onSegment: stdout.keep,
        onErrors: stderr.keep,
      });
      assertGoing(stop.reason(), log, options.timeLimitMs);
      const said = [`$ ${step.title}`, ...stderr.lines];
      assertSandbox(step, result, said);
      if (result.code === null || result.oom) throw failed(step, result, said.slice(-tailLines));
      return { exitCode: result.code, stdout: stdout.lines, stderr: stderr.lines };
    },
    assertGoing: () => assertGoing(stop.reason(), log, options.timeLimitMs),
    async run(steps) {
      const total = emptyStats();
      for (const step of steps) {
        assertGoing(stop.reason(), log, options.timeLimitMs);
        options.onStep(step);
        write(`$ ${step.title}`);
        const cargo = createCargoReader((progress) => options.onProgress(progress, step));
        const result = await runStep(step, {
          shimPath: options.shimPath,
          signal: stop.signal,
          onSegment: (text, kind) => cargo.read(text, kind).forEach(write),
        });
        cargo.end().forEach(write);
        addStats(total, cargo.stats());
        assertGoing(stop.reason(), log, options.timeLimitMs);
        assertSucceeded(step, result, log);
        // Cargo does not draw its bar once more when all is done.
        const { units } = cargo.stats();
        if (units !== null) options.onProgress({ done: units, total: units, current: "" }, step);
      }
      return total;
    },
    async close(error) {
      if (error !== undefined) log.write(`build ended: ${error.message}`);
      stop.clear();
      await log.close();
    },
  };
}

type StopReason = "cancelled" | "timeout" | null;

/** One signal for both ways of being stopped; whichever came first is the reason. */
function startClock(
  limitMs: number,
  outer: AbortSignal,
): { readonly signal: AbortSignal; reason(): StopReason; clear(): void } {
  const controller = new AbortController();
  let reason: StopReason = null;
  const stop = (why: StopReason): void => {
    reason ??= why;
    controller.abort();
  };
  const timer = setTimeout(() => stop("timeout"), limitMs);
  const onAbort = (): void => stop("cancelled");
  if (outer.aborted) onAbort();
  outer.addEventListener("abort", onAbort, { once: true });
  return {
    signal: controller.signal,
    reason: () => reason,
    clear() {
      clearTimeout(timer);
      outer.removeEventListener("abort", onAbort);
    },
  };
}

function assertGoing(reason: StopReason, log: BoundedLog, limitMs: number): void {
  const tail = log.tail(tailLines);
  if (reason === "cancelled") throw new BloomError("ERR_BUILD_CANCELLED", "the build was cancelled");
  if (reason === "timeout") {
    const limit = Math.round(limitMs / 100) / 10;
    throw new BloomError("ERR_BUILD_TIMEOUT", `the build ran longer than ${limit} s and was ended`, {
      details: { limitMs, tail },
    });
  }
}

function createKeeper(): { readonly lines: readonly string[]; keep(text: string): void } {
  const lines: string[] = [];
  let room = capturedLimit;
  return {
    lines,
    keep(text) {
      room -= text.length;
      if (room >= 0) lines.push(text);
    },
  };
}

function assertSucceeded(step: BuildStep, result: StepResult, log: BoundedLog): void {
  if (result.code === 0) return;
  const tail = log.tail(tailLines);
  assertSandbox(step, result, tail);
  throw failed(step, result, tail);
}

/** Tells what went wrong around a step from what went wrong in it. */
function assertSandbox(step: BuildStep, result: StepResult, tail: readonly string[]): void {
  const last = tail.at(-1) ?? "";
  if (result.code === 125 && last.startsWith("bloom-shim: ")) {
    throw new BloomError(
      "ERR_SANDBOX_UNAVAILABLE",
      `the build's sandbox could not be made: ${last.slice(12)}`,
    );
  }
  if (result.code === 1 && last.startsWith("bwrap: ") && tail.at(-2) === `$ ${step.title}`) {
    throw new BloomError(
      "ERR_SANDBOX_UNAVAILABLE",
      `the build's sandbox could not be made: ${last.slice(7)}`,
    );
  }
}

function failed(step: BuildStep, result: StepResult, tail: readonly string[]): BloomError {
  return new BloomError("ERR_BUILD_FAILED", `the ${step.phase} step ${describeEnd(result)}`, {
    ...hintOf(result),
    details: { step: step.title, exitCode: result.code, signal: result.signal, oom: result.oom, tail },
  });
}

function hintOf({ oom, crowded }: StepResult): { readonly hint?: string } {
  if (oom) return { hint: "Build with fewer jobs (CARGO_BUILD_JOBS=1), or raise the daemon's build memory." };
  return crowded ? { hint: "Start fewer processes and threads at the same time." } : {};
}

function describeEnd({ code, signal, oom, crowded }: StepResult): string {
  const how = code === null ? `was killed by ${signal}` : `ended with exit code ${code}`;
  if (oom) return `${how}: it reached its memory limit and the kernel killed a process`;
  return crowded ? `${how}: it reached its limit of processes` : how;
}

function emptyStats(): {
  units: number | null;
  fresh: number;
  compiled: number;
  rebuilt: BuildStats["rebuilt"];
} {
  return { units: null, fresh: 0, compiled: 0, rebuilt: [] };
}

function addStats(total: ReturnType<typeof emptyStats>, more: BuildStats): void {
  if (more.units !== null) total.units = (total.units ?? 0) + more.units;
  total.fresh += more.fresh;
  total.compiled += more.compiled;
  total.rebuilt.push(...more.rebuilt);
}
