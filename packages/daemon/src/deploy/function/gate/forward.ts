import { request, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { BloomError } from "@bloomery/contract";
import type { InstanceAddress } from "../../../run/engines/engine.js";

/** Tells nginx that the function has never heard of the request, so that it is no execution. Only the gate says it. */
export const turnedAway = "x-bloom-turned-away";

/** Headers that belong to a connection and not to what it carries, and ours. */
const notPassed = new Set([
  ...["connection", "keep-alive", "transfer-encoding", "proxy-connection", "te", "expect"],
  turnedAway,
]);

/** As long as nginx takes. */
export const mostHeaderBytes = 256 * 1024;

/** A connection to the first that accepts one. Nothing has been sent yet, so none of them gets a request twice. */
export async function connectFirst(
  addresses: readonly InstanceAddress[],
  signal: AbortSignal,
): Promise<Socket> {
  for (const address of addresses) {
    const socket = await tryConnect(address, signal);
    if (socket !== undefined) return socket;
  }
  throw new BloomError("ERR_FUNCTION_UNREACHABLE", "the function could not be reached, nor started");
}

async function tryConnect(address: InstanceAddress, signal: AbortSignal): Promise<Socket | undefined> {
  signal.throwIfAborted();
  const socket =
    address.kind === "unix" ? connect(address.path) : connect({ host: address.address, port: address.port });
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      socket.destroy();
      reject(new BloomError("ERR_INTERRUPTED", "the caller left"));
    };
    signal.addEventListener("abort", abort, { once: true });
    const settle = (found: Socket | undefined): void => {
      signal.removeEventListener("abort", abort);
      resolve(found);
    };
    socket.once("connect", () => settle(socket));
    socket.once("error", () => settle(undefined));
  });
}

/**
 * Sends a request on and waits for the head of its answer. With `body` null, the incoming one is passed on as it
 * comes. Throws ERR_FUNCTION_UNREACHABLE when the function breaks off before.
 */
export function forward(
  incoming: IncomingMessage,
  socket: Socket,
  body: Uint8Array | null,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const headers = collectHeaders(incoming.rawHeaders);
  if (body !== null) headers["content-length"] = [String(body.length)];
  else if (incoming.headers["transfer-encoding"] !== undefined) headers["transfer-encoding"] = ["chunked"];
  return new Promise((resolve, reject) => {
    const outgoing = request({
      createConnection: () => socket,
      method: incoming.method ?? "GET",
      path: incoming.url ?? "/",
      headers: { ...headers, connection: "close" },
      maxHeaderSize: mostHeaderBytes,
      setHost: false,
      signal,
    });
    const fail = (cause: unknown): void =>
      reject(
        new BloomError("ERR_FUNCTION_UNREACHABLE", "the function broke off without an answer", { cause }),
      );
    outgoing.once("response", resolve);
    outgoing.on("error", fail);
    if (body !== null) outgoing.end(body);
    else {
      incoming.once("error", (error) => outgoing.destroy(error));
      incoming.pipe(outgoing);
    }
  });
}

/** What of an answer's headers is passed on, in pairs as Node takes and gives them. */
export function passHeaders(rawHeaders: readonly string[]): string[] {
  return pairs(rawHeaders).flat();
}

function collectHeaders(rawHeaders: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of pairs(rawHeaders)) (headers[name.toLowerCase()] ??= []).push(value);
  return headers;
}

function pairs(rawHeaders: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (!notPassed.has(name.toLowerCase())) found.push([name, rawHeaders[index + 1] ?? ""]);
  }
  return found;
}
