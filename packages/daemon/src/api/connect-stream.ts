import { once } from "node:events";
import type { Socket } from "node:net";
import { BloomError, type ConnectInput, type ConnectOutput } from "@bloomery/contract";

/**
 * Carries a connection to an app over a pair of streams: what the app sends is yielded, what comes is sent to it, and
 * no more than a piece of either is held. The app may answer after the input has ended; the connection ends when the
 * app has said all, with the stream, or when the input is not as it must be (which is then thrown).
 */
export async function* carryConnection(
  socket: Socket,
  port: number | null,
  messages: AsyncIterable<ConnectInput>,
  signal: AbortSignal,
): AsyncGenerator<ConnectOutput> {
  let fault: { readonly error: unknown } | undefined;
  const abandon = (): void => void socket.destroy();
  // Told to whoever reads; without a listener it would end the process.
  socket.on("error", () => undefined);
  signal.addEventListener("abort", abandon, { once: true });
  try {
    if (signal.aborted) abandon();
    yield { type: "connected", port };
    void feed(socket, messages).catch((error: unknown) => {
      fault = { error };
      abandon();
    });
    for await (const data of socket as AsyncIterable<Buffer>)
      yield { type: "data", data: data.toString("base64") };
    yield { type: "end" };
  } catch (error) {
    if (signal.aborted) return;
    throw (
      fault?.error ?? new BloomError("ERR_APP_UNREACHABLE", "the connection was broken off", { cause: error })
    );
  } finally {
    signal.removeEventListener("abort", abandon);
    abandon();
  }
}

async function feed(socket: Socket, messages: AsyncIterable<ConnectInput>): Promise<void> {
  for await (const { stdin } of messages) {
    if (stdin === "") socket.end();
    else await write(socket, Buffer.from(stdin, "base64"));
  }
  socket.end();
}

/** Waits until there is room again; an app that has gone misses the rest. */
async function write(socket: Socket, bytes: Buffer): Promise<void> {
  if (!socket.writable || socket.write(bytes)) return;
  const settled = new AbortController();
  const { signal } = settled;
  await Promise.race([once(socket, "drain", { signal }), once(socket, "close", { signal })]).catch(
    () => undefined,
  );
  settled.abort();
}
