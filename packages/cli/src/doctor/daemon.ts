import { readFile, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { BloomError } from "@bloomery/contract";
import type { Context } from "../command.js";
import { judge, type Check } from "./check.js";

const defaultPorts = { api: 4600, http: 4680 } as const;
const freeBytes = 2e9;

/** Whether the daemon answers, and whether its ports are its own or free for it. */
export async function checkDaemon(context: Context): Promise<Check[]> {
  const { api, home } = context.settings;
  const health = await context
    .client()
    .call("getHealth", {})
    .catch((error: unknown) =>
      error instanceof BloomError ? error : new BloomError("ERR_INTERNAL", String(error)),
    );
  const isRunning = !(health instanceof BloomError);
  const found = isRunning ? `answers at ${api} (${health.version})` : health.message;
  const facts = isRunning ? await readFacts(home) : {};
  return [
    judge("daemon", isRunning, found, "npm start, or bloom server start", true),
    await checkPort("API port", facts.apiPort ?? defaultPorts.api, "--api-port", facts.apiPort !== undefined),
    await checkPort(
      "HTTP port",
      facts.httpPort ?? defaultPorts.http,
      "--http-port",
      facts.httpPort !== undefined,
    ),
  ];
}

/** Where the daemon of this home listens; nothing for a daemon elsewhere. */
async function readFacts(home: string): Promise<{ apiPort?: number; httpPort?: number }> {
  const text = await readFile(join(home, "api.json"), "utf8").catch(() => "{}");
  try {
    const { apiUrl, httpPort } = JSON.parse(text) as { apiUrl?: unknown; httpPort?: unknown };
    return {
      ...(typeof apiUrl === "string" ? { apiPort: Number(new URL(apiUrl).port) } : {}),
      ...(typeof httpPort === "number" ? { httpPort } : {}),
    };
  } catch {
    return {};
  }
}

async function checkPort(name: string, port: number, flag: string, isOurs: boolean): Promise<Check> {
  if (isOurs) return judge(name, true, `${port}, held by the daemon`, "");
  const code = await tryListen(port);
  const fix = `stop what holds it, or start with ${flag}`;
  // A taken default keeps a daemon from starting, but only one that was to have the default.
  return judge(
    name,
    code === undefined,
    code === undefined ? `${port} is free` : `${port}: ${code}`,
    fix,
    true,
  );
}

function tryListen(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code === "EADDRINUSE" ? "held by another process" : error.message),
    );
    server.listen({ port, host: "127.0.0.1" }, () => server.close(() => resolve(undefined)));
  });
}

/** The disk that the home is on, or will be. */
export async function checkDisk(home: string): Promise<Check> {
  for (let folder = home; ; folder = dirname(folder)) {
    const space = await statfs(folder).catch(() => undefined);
    if (space !== undefined) {
      const free = space.bavail * space.bsize;
      const found = `${(free / 1e9).toFixed(1)} GB free for ${home}`;
      return judge("disk", free >= freeBytes, found, "free at least 2 GB: builds of Rust apps are large");
    }
    if (folder === dirname(folder)) return judge("disk", false, "unknown", "make the home folder reachable");
  }
}
