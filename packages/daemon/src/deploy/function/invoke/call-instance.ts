import { request, type IncomingMessage } from "node:http";
import type { InstanceAddress } from "../../../run/engines/engine.js";
import type { PlannedRequest } from "./plan-request.js";

/** The head of an answer; its body is read from `body`, as slowly as its reader likes. */
export interface InstanceAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Buffer>;
}

/** Nobody took the connection, so nothing of the request has been seen: it may be sent again. */
export class NeverSent extends Error {
  constructor(cause: Error) {
    super(`no connection: ${cause.message}`, { cause });
    this.name = "NeverSent";
  }
}

/**
 * Sends one request on a connection of its own: one that was kept could be closed by its other end at the very moment
 * the request is written, and then nobody could tell whether it ran. A connection to a socket of the machine takes
 * some 50 µs. Aborting closes it, which the function is told as its caller having left.
 */
export function callInstance(
  address: InstanceAddress,
  planned: PlannedRequest,
  signal: AbortSignal,
): Promise<InstanceAnswer> {
  const { method, path, headers, body } = planned;
  const where =
    address.kind === "unix" ? { socketPath: address.path } : { host: address.address, port: address.port };
  return new Promise((resolve, reject) => {
    const call = request({ ...where, method, path, headers, signal, agent: false });
    call.on("response", (answer) => resolve(toAnswer(answer)));
    // Stays for what comes after the answer has begun: it is told by the body then.
    call.on("error", (error: NodeJS.ErrnoException) =>
      reject(error.syscall === "connect" ? new NeverSent(error) : error),
    );
    call.end(body);
  });
}

/** About one connection, as in requests. */
const dropped = new Set(["connection", "keep-alive", "transfer-encoding", "trailer", "upgrade"]);

function toAnswer(answer: IncomingMessage): InstanceAnswer {
  const headers: Record<string, string> = {};
  for (const [name, values] of Object.entries(answer.headersDistinct)) {
    if (!dropped.has(name) && values !== undefined) headers[name] = values.join(", ");
  }
  return { status: answer.statusCode ?? 502, headers, body: answer as AsyncIterable<Buffer> };
}
