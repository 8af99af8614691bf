import { BloomError, type ignite } from "@bloomery/contract";
import type { Context } from "../../command.js";
import type { Stream } from "../../output/output.js";
import { exitOfExecution } from "./outcome.js";
import { formatSpan, plainWord } from "./words.js";

/**
 * Prints a function's answer as it comes and returns the exit code. With --json it is the frames, one a line;
 * otherwise the body's bytes, and on standard error what was wrong.
 */
export async function printAnswer(
  { output }: Pick<Context, "output">,
  frames: AsyncIterable<ignite.InvokeFrame>,
): Promise<number> {
  let status: number | undefined;
  let execution = "";
  let lastByte: number | undefined;
  for await (const frame of frames) {
    if (output.json) output.line(frame, "");
    if ("head" in frame) {
      ({ status, executionId: execution } = frame.head);
      output.detail(`${status}, execution ${execution}, version ${frame.head.version}`);
      for (const [name, value] of Object.entries(frame.head.headers)) output.detail(`${name}: ${value}`);
    } else if ("chunk" in frame) {
      const bytes = Buffer.from(frame.chunk.data, "base64");
      lastByte = bytes.at(-1) ?? lastByte;
      if (!output.json) await writeBytes(output.stdout, bytes);
    } else {
      // The prompt of a terminal begins its own line.
      if (!output.json && output.stdout.isTTY === true && (lastByte ?? 10) !== 10) output.stdout.write("\n");
      return finish(output, frame.trailer, status, execution);
    }
  }
  throw new BloomError("ERR_DAEMON_UNREACHABLE", "the answer broke off before its end", {
    hint: execution === "" ? "Call again." : `\`bloom execution get ${execution}\` shows what came of it.`,
  });
}

type Trailer = Extract<ignite.InvokeFrame, { trailer: unknown }>["trailer"];

function finish(
  output: Context["output"],
  trailer: Trailer,
  status: number | undefined,
  execution: string,
): number {
  const code = exitOfExecution(trailer.status, status);
  const id = execution === "" ? "" : ` (execution ${execution})`;
  const why = trailer.error === undefined ? "" : `: ${trailer.error}`;
  if (trailer.status !== "EXECUTION_STATUS_SUCCEEDED") {
    const answered = status === undefined ? "" : ` with status ${status}`;
    output.say(`the execution ended as ${plainWord(trailer.status)}${answered}${id}${why}`);
  } else if (code !== 0) output.say(`the function answered with status ${status}${id}${why}`);
  else
    output.detail(
      `${plainWord(trailer.status)} in ${formatSpan(trailer.durationMs)}, ${trailer.bytes} bytes`,
    );
  return code;
}

/** Waits where the reader is slower than the function. */
async function writeBytes(stdout: Stream, bytes: Buffer): Promise<void> {
  if (stdout.write(bytes) !== false || stdout.once === undefined) return;
  await new Promise<void>((resolve) => stdout.once?.("drain", resolve));
}
