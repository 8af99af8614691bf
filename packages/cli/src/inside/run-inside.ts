import { spawnSync } from "node:child_process";
import { BloomError, type ExecOrder, type ExecOutput } from "@bloomery/contract";
import type { Context } from "../command.js";
import type { Place } from "../commands/place.js";
import { openInputBody, type InputBody } from "./input-body.js";

/**
 * Runs a command in an instance with our input, output and signals, and returns its exit code. Throws when it does
 * not start, and when the connection ends before it does.
 */
export async function runInside(context: Context, place: Place, order: ExecOrder): Promise<number> {
  const { output, signal, stdin } = context;
  const body = openInputBody(order);
  const lines = context
    .client()
    // Ctrl-C is the command's: it decides what comes of it.
    .stream("execInApp", { params: place }, { raw: body.stream, signal: null });
  const releases = [passInterrupt(signal, body)];
  try {
    for await (const line of lines) {
      if (output.json) output.line(line, "");
      if (line.type === "exit") return line.code;
      if (line.type === "output" && !output.json) print(context, line);
      // What is typed before there is a command would be lost if there never is one.
      if (line.type === "started") {
        output.detail(`in ${line.instance}`);
        if (order.tty !== null) releases.push(lendTerminal(context, body));
        body.feed(stdin());
      }
    }
    throw new BloomError("ERR_INSTANCE_LOST", "the connection ended before the command did", {
      hint: `\`bloom ps ${place.app}\` shows whether the instance is still there.`,
    });
  } finally {
    for (const release of releases.reverse()) release();
    body.close();
  }
}

function print({ output }: Context, { stream, data }: Extract<ExecOutput, { type: "output" }>): void {
  const bytes = Buffer.from(data, "base64");
  output[stream].write(bytes);
}

/** The first Ctrl-C reaches the command; the second ends us, and with the connection the command. */
function passInterrupt(signal: AbortSignal, body: InputBody): () => void {
  const pass = (): void => body.send({ signal: "INT" });
  if (signal.aborted) pass();
  else signal.addEventListener("abort", pass, { once: true });
  return () => signal.removeEventListener("abort", pass);
}

/** Every key goes to the command as it is typed, and it learns of each new size; undone by what is returned. */
function lendTerminal({ stdin, output }: Context, body: InputBody): () => void {
  const input = stdin();
  const { stdout } = output;
  const resize = (): void => body.send({ resize: sizeOf(stdout) });
  input.setRawMode?.(true);
  // Node's raw mode still turns each \n into \r\n; the command's terminal has done that already.
  if (input === process.stdin) spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
  stdout.on?.("resize", resize);
  return () => {
    stdout.off?.("resize", resize);
    input.setRawMode?.(false);
  };
}

/** What terminals were before anybody asked. */
const usualSize = { rows: 24, cols: 80 } as const;

export function sizeOf(stdout: { rows?: number | undefined; columns?: number | undefined }): {
  rows: number;
  cols: number;
} {
  return { rows: stdout.rows || usualSize.rows, cols: stdout.columns || usualSize.cols };
}
