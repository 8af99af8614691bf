import { spawn, type ChildProcess } from "node:child_process";
import { request, type IncomingHttpHeaders } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  startPlatform as launch,
  type Disguise,
  type StartedPlatform,
} from "../../scripts/lib/start-platform.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

export { findFreePort } from "../../scripts/lib/find-free-port.mjs";
export type { CommandResult, Disguise } from "../../scripts/lib/start-platform.mjs";

export interface EdgeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A started platform with what stories do to it. */
export interface Platform extends StartedPlatform {
  /** Starts `bloom ARGS` and hands the process over. */
  spawnBloom(...args: string[]): ChildProcess;
  /** One request through nginx, by the app's host name. */
  get(
    host: string,
    path?: string,
    options?: { method?: string; body?: string; headers?: Record<string, string> },
  ): Promise<EdgeAnswer>;
}

export function startPlatform(...flags: string[]): Promise<Platform> {
  return startPlatformAs(undefined, ...flags);
}

export async function startPlatformAs(disguise: Disguise | undefined, ...flags: string[]): Promise<Platform> {
  const platform = await launch({ prefix: "bloom-e2e-", flags, disguise });
  return {
    ...platform,
    spawnBloom: (...args) =>
      spawn(...platform.argv(args), { env: platform.env, stdio: ["ignore", "pipe", "pipe"] }),
    get: (host, path = "/", options = {}) => ask(platform.httpPort, host, path, options),
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
