import { createServer, type IncomingMessage, type Server } from "node:http";
import { apiRoutes, type ApiRoute, type RouteName } from "@bloomery/contract";
import { runProgram } from "../src/program.js";

/** One request as the fake daemon saw it. */
export interface SeenCall {
  readonly route: RouteName;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly authorization: string | undefined;
}

/** What a route answers: a document, an error with its status, or the lines of a stream. */
export type Answer = {
  readonly status?: number;
  readonly body?: unknown;
  readonly lines?: readonly unknown[];
};

export interface FakeDaemon {
  readonly url: string;
  readonly calls: SeenCall[];
  readonly answers: Partial<Record<RouteName, Answer>>;
  close(): Promise<void>;
}

/** A server with the contract's routes and canned answers: real HTTP, no platform. */
export async function startFakeDaemon(): Promise<FakeDaemon> {
  const calls: SeenCall[] = [];
  const answers: FakeDaemon["answers"] = {};
  const server: Server = createServer((request, response) => {
    void (async () => {
      const body = await readBody(request);
      const url = new URL(request.url ?? "/", "http://localhost");
      const found = findRoute(request.method ?? "GET", url.pathname);
      if (found === undefined) return response.writeHead(404).end("{}");
      const query = Object.fromEntries(url.searchParams);
      calls.push({ ...found, query, body, authorization: request.headers.authorization });
      const answer = answers[found.route] ?? {
        status: 500,
        body: { error: { code: "ERR_INTERNAL", message: `no answer for ${found.route}` } },
      };
      response.writeHead(answer.status ?? 200, { "content-type": "application/json" });
      if (answer.lines === undefined) return response.end(JSON.stringify(answer.body));
      return response.end(answer.lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    answers,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Runs a command line in this process and keeps what it prints. */
export async function run(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  let stdout = "";
  let stderr = "";
  const code = await runProgram(argv, {
    env: { BLOOM_HOME: "/nonexistent", NO_COLOR: "1", ...env },
    cwd: "/",
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  });
  return { code, stdout, stderr };
}

function findRoute(
  method: string,
  path: string,
): { route: RouteName; params: Record<string, string> } | undefined {
  for (const [name, route] of Object.entries(apiRoutes) as [RouteName, ApiRoute][]) {
    const names = [...route.path.matchAll(/:(\w+)/g)].map((match) => match[1] ?? "");
    const match = new RegExp(`^${route.path.replace(/:\w+/g, "([^/]+)")}$`).exec(path);
    if (route.method !== method || match === null) continue;
    return {
      route: name,
      params: Object.fromEntries(names.map((key, index) => [key, match[index + 1] ?? ""])),
    };
  }
  return undefined;
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  let text = "";
  request.setEncoding("utf8");
  for await (const chunk of request as AsyncIterable<string>) text += chunk;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
