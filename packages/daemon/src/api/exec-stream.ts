import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { ExecInput, ExecOutput } from "@bloomery/contract";
import type { RunningCommand } from "../run/engines/engine.js";

/** How long a command whose client has gone may take to end by itself. */
const hangUpLimitMs = 2000;

/**
 * Carries a running command over a pair of streams: what it says is yielded, what comes is given to it. Each side
 * waits for the other, so that no more than a piece of either is held. The command ends with the stream: when it is
 * abandoned, when the signal aborts or when the input is not as it must be (which is then thrown).
 */
export async function* runOverStream(
  command: RunningCommand,
  instance: string,
  messages: AsyncIterable<ExecInput>,
  signal: AbortSignal,
): AsyncGenerator<ExecOutput> {
  let fault: { readonly error: unknown } | undefined;
  let hasEnded = false;
  const abandon = (): void => {
    if (!hasEnded) hangUp(command);
  };
  signal.addEventListener("abort", abandon, { once: true });
  try {
    if (signal.aborted) abandon();
    yield { type: "started", instance };
    void feed(command, messages).catch((error: unknown) => {
      fault = { error };
      abandon();
    });
    yield* readOutputs(command);
    const { code, signal: name } = await command.exit;
    hasEnded = true;
    if (fault !== undefined && !signal.aborted) throw fault.error;
    yield { type: "exit", code, signal: name };
  } finally {
    signal.removeEventListener("abort", abandon);
    abandon();
    // Output that nobody reads would keep the command from ever being seen as ended.
    for (const stream of [command.stdout, command.stderr]) stream.destroy();
  }
}

async function feed(command: RunningCommand, messages: AsyncIterable<ExecInput>): Promise<void> {
  for await (const message of messages) {
    if ("resize" in message) command.resize(message.resize);
    else if ("signal" in message) command.signal(message.signal);
    else if (message.stdin === "") command.stdin.end();
    else await write(command.stdin, Buffer.from(message.stdin, "base64"));
  }
  command.stdin.end();
}

/** Waits until there is room again; a command that has closed its input misses the rest. */
async function write(stdin: Writable, bytes: Buffer): Promise<void> {
  if (!stdin.writable || stdin.write(bytes)) return;
  const settled = new AbortController();
  const { signal } = settled;
  const stop = (): void => undefined;
  await Promise.race([once(stdin, "drain", { signal }), once(stdin, "close", { signal })]).catch(stop);
  settled.abort();
}

async function* readOutputs(command: RunningCommand): AsyncGenerator<ExecOutput> {
  type Piece = { readonly stream: "stdout" | "stderr"; readonly data: Buffer | undefined };
  const pending = new Map<string, Promise<Piece>>();
  const ask = (stream: Piece["stream"], iterator: AsyncIterator<unknown>): void => {
    const next = iterator.next().then(
      ({ done, value }): Piece => ({ stream, data: done === true ? undefined : (value as Buffer) }),
      // Torn off, because the command was hung up on.
      (): Piece => ({ stream, data: undefined }),
    );
    pending.set(stream, next);
  };
  const iteratorOf = (stream: Readable): AsyncIterator<unknown> => stream[Symbol.asyncIterator]();
  const iterators = { stdout: iteratorOf(command.stdout), stderr: iteratorOf(command.stderr) };
  ask("stdout", iterators.stdout);
  ask("stderr", iterators.stderr);
  while (pending.size > 0) {
    const { stream, data } = await Promise.race(pending.values());
    pending.delete(stream);
    if (data === undefined) continue;
    yield { type: "output", stream, data: data.toString("base64") };
    ask(stream, iterators[stream]);
  }
}

/** As when a terminal is closed; what does not heed that is killed. */
function hangUp(command: RunningCommand): void {
  command.stdin.destroy();
  command.signal("HUP");
  const timer = setTimeout(() => {
    command.signal("KILL");
    for (const stream of [command.stdout, command.stderr]) stream.destroy();
  }, hangUpLimitMs);
  const settle = (): void => clearTimeout(timer);
  command.exit.then(settle, settle);
}
