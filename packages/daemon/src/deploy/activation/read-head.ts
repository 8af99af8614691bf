import type { Socket } from "node:net";

/** The beginning of a request, as far as it came while the request waited. */
export interface Waiting {
  readonly socket: Socket;
  /** Performance clock, milliseconds. */
  readonly since: number;
  /** Fulfils when something was read, or whoever asked has left. */
  readonly begun: Promise<void>;
  /** All that was read; from now on nothing is. */
  take(): Buffer;
  /** True when whoever asked has left. */
  readonly left: boolean;
}

/** Enough for the head of every request nginx lets through; of a body little is read before somebody takes it. */
const limit = 64 * 1024;

/**
 * Reads of a connection what is there, up to a limit, and keeps it. Reading is the only way to learn that somebody has
 * left; `onLeft` is called when that is so.
 */
export function readHead(socket: Socket, onLeft: () => void): Waiting {
  const chunks: Buffer[] = [];
  let size = 0;
  let left = false;
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const leave = (): void => {
    if (left) return;
    left = true;
    begin();
    onLeft();
  };
  const keep = (chunk: Buffer): void => {
    chunks.push(chunk);
    begin();
    size += chunk.length;
    if (size >= limit) socket.pause();
  };
  socket.on("data", keep);
  // nginx never closes one half of a connection only.
  socket.once("end", leave);
  socket.once("close", leave);
  return {
    socket,
    since: performance.now(),
    begun,
    take() {
      socket.pause();
      socket.off("data", keep);
      socket.off("end", leave);
      socket.off("close", leave);
      return Buffer.concat(chunks);
    },
    get left() {
      return left;
    },
  };
}
