import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { apiRoutes, type ApiRoute, type RouteName } from "@bloomery/contract";
import type { Input } from "../src/command.js";
import type { Stream } from "../src/output/output.js";
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
  readonly bytes?: Buffer;
  /** What comes after the lines: the end, nothing for as long as the caller waits, or a broken connection. */
  readonly after?: "end" | "hang" | "break";
  /** Called when the answer has left. */
  readonly sent?: () => void;
};

/** One answer, several to be given in turn (the last again and again), or one that depends on the call. */
export type Answers = Answer | readonly Answer[] | ((call: SeenCall) => Answer | Promise<Answer>);

export interface FakeDaemon {
  readonly url: string;
  readonly calls: SeenCall[];
  readonly answers: Partial<Record<RouteName, Answers>>;
  /** Answers of routes whose body flows while they are answered; it has not been read. */
  readonly duplex: Partial<Record<RouteName, (request: IncomingMessage, response: ServerResponse) => void>>;
  /** How often each route was called. */
  count(route: RouteName): number;
  close(): Promise<void>;
}

/** A server with the contract's routes and canned answers: real HTTP, no platform. */
export async function startFakeDaemon(): Promise<FakeDaemon> {
  const calls: SeenCall[] = [];
  const answers: FakeDaemon["answers"] = {};
  const duplex: FakeDaemon["duplex"] = {};
  const count = (route: RouteName): number => calls.filter((call) => call.route === route).length;
  const server: Server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? "/", "http://localhost");
      const found = findRoute(request.method ?? "GET", url.pathname);
      const open = found === undefined ? undefined : duplex[found.route];
      const body = open === undefined ? await readBody(request) : undefined;
      if (found === undefined) return response.writeHead(404).end("{}");
      const query = Object.fromEntries(url.searchParams);
      const call: SeenCall = { ...found, query, body, authorization: request.headers.authorization };
      calls.push(call);
      if (open !== undefined) return open(request, response);
      const answer = await chooseAnswer(answers[found.route], call, count(found.route));
      response.writeHead(answer.status ?? 200, { "content-type": "application/json" });
      if (answer.bytes !== undefined) response.end(answer.bytes);
      else if (answer.lines === undefined) response.end(JSON.stringify(answer.body));
      else sendLines(response, answer);
      answer.sent?.();
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    answers,
    duplex,
    count,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function chooseAnswer(answers: Answers | undefined, call: SeenCall, count: number): Promise<Answer> {
  const missing: Answer = {
    status: 500,
    body: { error: { code: "ERR_INTERNAL", message: `no answer for ${call.route}` } },
  };
  if (typeof answers === "function") return answers(call);
  if (!Array.isArray(answers)) return (answers as Answer | undefined) ?? missing;
  const list = answers as readonly Answer[];
  return list[Math.min(count, list.length) - 1] ?? missing;
}

function sendLines(response: ServerResponse, answer: Answer): void {
  const text = (answer.lines ?? []).map((line) => `${JSON.stringify(line)}\n`).join("");
  if (answer.after === undefined || answer.after === "end") return void response.end(text);
  response.flushHeaders();
  response.write(text, () => {
    if (answer.after === "break") response.destroy();
  });
}

/** Runs a command line in this process and keeps what it prints. */
export async function run(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = {},
  cwd = "/",
  { stdin = Readable.from([]), terminal = {} }: { stdin?: Input; terminal?: Partial<Stream> } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const code = await runProgram(argv, {
    env: { BLOOM_HOME: "/nonexistent", DODIL_CONFIG_DIR: "/nonexistent", NO_COLOR: "1", ...env },
    cwd,
    stdin: () => stdin,
    stdout: Object.assign(terminal, { write: (text: string | Buffer) => stdout.push(Buffer.from(text)) }),
    stderr: { write: (text) => stderr.push(Buffer.from(text)) },
  });
  return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
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

/** JSON as its value, a tar as bytes. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (request.headers["content-type"] !== "application/json") return bytes;
  return JSON.parse(bytes.toString("utf8")) as unknown;
}
