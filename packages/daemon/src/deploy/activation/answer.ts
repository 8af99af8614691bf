import type { Socket } from "node:net";
import { toBloomError } from "@bloomery/contract";

/** Why a request is not led to its function. */
export interface Refusal {
  readonly status: 502 | 503 | 504;
  readonly code: string;
  readonly message: string;
  /** Seconds; null: trying again soon is no use. */
  readonly retryAfter: number | null;
}

const reasons = { 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout" } as const;
const statuses: Readonly<Record<string, Refusal["status"]>> = {
  ERR_START_FAILED: 502,
  ERR_INSTANCE_LOST: 502,
  ERR_NOT_READY: 504,
};

/** What callers are told of a start that failed: its code and its first line; the rest is its owner's. */
export function explainRefusal(error: unknown): Refusal {
  const { code, message } = toBloomError(error);
  const status = statuses[code] ?? 503;
  const retryAfter = status === 503 ? 1 : null;
  // What is our own fault may name files of this machine.
  if (code === "ERR_INTERNAL")
    return { status: 502, code, message: "the function could not be started", retryAfter };
  return { status, code, message: message.split("\n")[0] ?? "", retryAfter };
}

/** Answers a request that nobody has read, and closes its connection. */
export function answerRefusal(socket: Socket, { status, code, message, retryAfter }: Refusal): void {
  const body = `${JSON.stringify({ error: message, code })}\n`;
  const head = [
    `HTTP/1.1 ${status} ${reasons[status]}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Cache-Control: no-store",
    ...(retryAfter === null ? [] : [`Retry-After: ${retryAfter}`]),
    "Connection: close",
  ];
  // Read what comes, or closing would reset the connection before the answer has been read.
  socket.resume();
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  socket.setTimeout(5_000, () => socket.destroy());
}
