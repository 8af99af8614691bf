import { execFile, spawn, type ChildProcess } from "node:child_process";
import { chmod, chown, mkdtemp, readFile, rm } from "node:fs/promises";
import { request, type IncomingHttpHeaders } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const cli = join(root, "packages/cli/dist/main.js");

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface EdgeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A whole platform of its own: home, daemon, nginx and ports that nobody else uses. */
export interface Platform {
  readonly home: string;
  readonly apiPort: number;
  readonly httpPort: number;
  /** Runs `bloom ARGS`; never throws for an exit code. */
  bloom(...args: string[]): Promise<CommandResult>;
  /** Runs `bloom ARGS --json`, expects exit 0 and parses the document. */
  json<T>(...args: string[]): Promise<T>;
  /** Starts `bloom ARGS` and hands the process over. */
  spawnBloom(...args: string[]): ChildProcess;
  /** One request through nginx, by the app's host name. */
  get(
    host: string,
    path?: string,
    options?: { method?: string; body?: string; headers?: Record<string, string> },
  ): Promise<EdgeAnswer>;
  daemonPid(): Promise<number>;
  /** Starts the daemon again after it was killed. */
  start(...flags: string[]): Promise<void>;
  /** Stops everything and removes the home. */
  stop(): Promise<void>;
}

/** Runs commands as somebody else. */
export interface Disguise {
  readonly uid: number;
  /** The argument list that runs `argv` as that user. */
  wrap(argv: readonly string[]): readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export function startPlatform(...flags: string[]): Promise<Platform> {
  return startPlatformAs(undefined, ...flags);
}

export async function startPlatformAs(disguise: Disguise | undefined, ...flags: string[]): Promise<Platform> {
  const home = await mkdtemp(join(tmpdir(), "bloom-e2e-"));
  await chmod(home, 0o711);
  if (disguise !== undefined) await chown(home, disguise.uid, disguise.uid);
  const wrap = (args: readonly string[]): [string, string[]] => {
    const argv = [process.execPath, cli, ...args];
    const [program = "", ...rest] = disguise === undefined ? argv : disguise.wrap(argv);
    return [program, rest];
  };
  const [apiPort, httpPort] = await Promise.all([findFreePort(), findFreePort()]);
  const env = {
    ...process.env,
    BLOOM_HOME: home,
    BLOOM_API: `http://127.0.0.1:${apiPort}`,
    NO_COLOR: "1",
    ...disguise?.env,
    CI: "1",
  };

  const bloom = (...args: string[]): Promise<CommandResult> =>
    new Promise((resolve) => {
      execFile(...wrap(args), { env, maxBuffer: 64 * 1_048_576 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
        resolve({ code, stdout, stderr });
      });
    });
  const start = async (...more: string[]): Promise<void> => {
    const ports = ["--api-port", String(apiPort), "--http-port", String(httpPort)];
    const result = await bloom("server", "start", "--detach", "--home", home, ...ports, ...flags, ...more);
    if (result.code !== 0) throw new Error(`the platform did not start: ${result.stderr}\n${result.stdout}`);
  };
  await start();

  return {
    home,
    apiPort,
    httpPort,
    bloom,
    start,
    async json<T>(...args: string[]): Promise<T> {
      const result = await bloom(...args, "--json");
      if (result.code !== 0)
        throw new Error(
          `bloom ${args.join(" ")} ended with ${result.code}: ${result.stderr}${result.stdout}`,
        );
      return JSON.parse(result.stdout) as T;
    },
    spawnBloom: (...args) => spawn(...wrap(args), { env, stdio: ["ignore", "pipe", "pipe"] }),
    get: (host, path = "/", options = {}) => ask(httpPort, host, path, options),
    daemonPid: async () =>
      (JSON.parse(await readFile(join(home, "api.json"), "utf8")) as { pid: number }).pid,
    async stop() {
      await bloom("server", "stop", "--yes");
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** The path of a fixture app or example, from the repository's root. */
export function fixture(path: string): string {
  return join(root, path);
}

/** Asks until the condition holds; fails with the last value when it does not in time. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T>,
  isGood: (value: T) => boolean,
  limitMs = 20_000,
): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = await probe();
    if (isGood(value)) return value;
    if (Date.now() > end)
      throw new Error(`${what} did not happen in ${limitMs} ms; last seen: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function ask(
  port: number,
  host: string,
  path: string,
  options: { method?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<EdgeAnswer> {
  return new Promise((resolve, reject) => {
    const { method = "GET", body, headers } = options;
    const call = request({
      port,
      host: "127.0.0.1",
      path,
      method,
      agent: false,
      headers: { host: `${host}:${port}`, ...headers },
    });
    call.on("error", reject);
    call.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    call.end(body);
  });
}

export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
