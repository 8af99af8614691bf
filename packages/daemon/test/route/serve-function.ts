import { chmod } from "node:fs/promises";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect, type Server as NetServer } from "node:net";
import { join } from "node:path";
import type { FunctionRoute, RouteTarget } from "../../src/route/plan-routes.js";
import type { NginxBench } from "./real-nginx.js";
import { makeTarget } from "./targets.js";

/** A function as nginx knows it; the socket of its one replica need not be there. */
export function makeFunction(
  home: string,
  own: Partial<FunctionRoute> = {},
  wish: Partial<RouteTarget> = {},
): RouteTarget {
  return makeTarget({
    app: "hello",
    org: "acme",
    shape: "function",
    hostNames: ["hello-acme.localhost"],
    locations: {},
    servers: [{ kind: "unix", path: join(home, "instance.sock") }],
    holdSocket: join(home, "hold.sock"),
    holdSeconds: 5,
    function: { access: { kind: "anyone" }, timeoutSeconds: 5, gate: null, ...own },
    ...wish,
  });
}

export const functionHost = "hello-acme.localhost";

/** Opens a server on a socket that nginx may use. */
export async function listenAt<S extends NetServer>(server: S, path: string): Promise<S> {
  server.listen(path);
  await once(server, "listening");
  await chmod(path, 0o777);
  return server;
}

export interface SeenRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly rawHeaders: readonly string[];
  readonly trailers: IncomingMessage["trailers"];
  readonly body: string;
}

/** An instance that remembers what has reached it, and says what `answer` says. */
export function openInstance(
  answer: (response: ServerResponse, request: SeenRequest) => void = (response) => response.end("fine"),
): { readonly server: Server; readonly seen: SeenRequest[] } {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("error", () => undefined);
    request.on("data", (chunk: string) => (body += chunk));
    request.once("end", () => {
      const { method, url, headers, rawHeaders, trailers } = request;
      const one = { method, url, headers, rawHeaders, trailers, body };
      seen.push(one);
      answer(response, one);
    });
  });
  return { server, seen };
}

/** Sends bytes as they are, and reads the answer until its end, or that of a page. */
export async function callRaw({ port }: NginxBench, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.setEncoding("utf8");
  socket.write(text);
  let answer = "";
  for await (const chunk of socket) {
    answer += String(chunk);
    if (answer.endsWith("}\n")) break;
  }
  return answer;
}
