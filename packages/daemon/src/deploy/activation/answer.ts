import type { Socket } from "node:net";
import { toBloomError } from "@bloomery/contract";
import { formatPage, type Page } from "../../route/error-pages.js";

/** Why a request is not led to its app. */
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
  if (code === "ERR_INTERNAL") return { status: 502, code, message: "it could not be started", retryAfter };
  return { status, code, message: message.split("\n")[0] ?? "", retryAfter };
}

/** How a refusal is told; `head`: what came of the request so far. */
export type TellRefusal = (
  refusal: Refusal,
  head: Buffer,
) => { readonly type: string; readonly body: string };

/** As functions tell their own errors. */
export const tellCaller: TellRefusal = ({ message, code }) => ({
  type: "application/json",
  body: `${JSON.stringify({ error: message, code })}\n`,
});

const pages: Readonly<Record<string, Omit<Page, "status">>> = {
  ERR_START_FAILED: {
    title: "The app could not be started",
    text: "It was asleep, and the process ended before it was ready. `bloom status` says why, `bloom logs` shows what it said.",
  },
  ERR_NOT_READY: {
    title: "The app took too long to start",
    text: "It was asleep, and did not become ready in its time. `bloom status` says what it was waited for.",
  },
  ERR_INSTANCE_LOST: {
    title: "The app did not answer",
    text: "It is not accepting connections, or it closed this one without a complete answer. `bloom logs` shows what it said, `bloom ps` its state.",
  },
  ERR_APP_STOPPED: {
    title: "This app is stopped",
    text: "Its owner stopped it. `bloom start` brings it back.",
  },
  ERR_QUEUE_FULL: {
    title: "Too many requests wait for this app",
    text: "It is being started. Try again in a moment.",
  },
  ERR_HOLD_EXCEEDED: {
    title: "The deployment under way takes longer than requests may wait",
    text: "Try again in a moment.",
  },
};
const otherwise = {
  title: "The app could not be started",
  text: "It was asleep, and something is wrong with starting it. `bloom status` says what.",
};

/** As nginx tells of apps: a page for browsers, a few words for everybody else. */
export const tellVisitor: TellRefusal = ({ status, code }, head) => {
  const isBrowser = /(?:^|\r\n)accept:[^\r\n]*text\/html/i.test(head.toString("latin1"));
  const page = { status, ...(pages[code] ?? otherwise) };
  return {
    type: `text/${isBrowser ? "html" : "plain"}; charset=utf-8`,
    body: formatPage(page, isBrowser ? "html" : "text"),
  };
};

/** Answers a request that nobody has acted on, and closes its connection. */
export function answerRefusal(
  socket: Socket,
  refusal: Refusal,
  { type, body }: ReturnType<TellRefusal>,
): void {
  const head = [
    `HTTP/1.1 ${refusal.status} ${reasons[refusal.status]}`,
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Cache-Control: no-store",
    ...(refusal.retryAfter === null ? [] : [`Retry-After: ${refusal.retryAfter}`]),
    "Connection: close",
  ];
  // Read what comes, or closing would reset the connection before the answer has been read.
  socket.resume();
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  socket.setTimeout(5_000, () => socket.destroy());
}
