import { CommandError } from "./run-command.mjs";

/** A failure the reader can mend: what happened, and what to type next. */
export class StepError extends Error {
  constructor(message, { hint, output, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "StepError";
    this.hint = hint;
    this.output = output ?? (cause instanceof CommandError ? cause.output : undefined);
  }
}

/**
 * Does one piece of preparation and prints one line about it when it ends. `work` is given `say`, to
 * announce something slow before it begins, and returns a few words on what it did.
 */
export async function runStep(name, work) {
  const began = performance.now();
  const say = (what) => console.error(`· ${name}: ${what} …`);
  try {
    const note = await work(say);
    console.error(`✓ ${name}: ${note} (${formatDuration(performance.now() - began)})`);
  } catch (error) {
    console.error(`✗ ${name} (${formatDuration(performance.now() - began)})`);
    throw error;
  }
}

/** 7 ms, 1.2 s, 3 m 05 s. */
export function formatDuration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, "0")} s`;
}

/** Prints a failure for a reader: the last lines of output, what happened, what to do. */
export function reportFailure(error) {
  const output = error instanceof StepError || error instanceof CommandError ? error.output : undefined;
  if (output) console.error(lastLines(output, 40));
  const expected = error instanceof StepError || error instanceof CommandError;
  console.error(`\n${expected ? error.message : (error?.stack ?? String(error))}`);
  if (error instanceof StepError && error.hint) console.error(error.hint);
}

function lastLines(text, count) {
  const lines = text.trimEnd().split("\n");
  return (lines.length > count ? [`… ${lines.length - count} lines before these`] : [])
    .concat(lines.slice(-count))
    .map((line) => `  ${line}`)
    .join("\n");
}
