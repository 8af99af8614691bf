import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { BloomError, parseErrorDocument } from "@bloomery/contract";

/** What the daemon says when it is ready. */
export interface DaemonFacts {
  readonly apiUrl: string;
  readonly httpPort: number;
  readonly pid: number;
}

/** A daemon that was started from here. */
export interface LaunchedDaemon {
  /** Rejects with what the daemon says is wrong, or when it ends before it is ready. */
  readonly ready: Promise<DaemonFacts>;
  isReady(): boolean;
  /** Its exit code; 1 when a signal ended it. */
  readonly ended: Promise<number>;
  signal(name: NodeJS.Signals): void;
  /** We may end before it. */
  letGo(): void;
}

export interface LaunchOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Its log goes to a file below this home; undefined: to our standard error. */
  readonly logHome: string | undefined;
}

/**
 * V8 lets the space for new objects grow to 48 MB in a burst, such as a start with many apps, and a daemon that rests
 * never gives it back. With a quarter of it a start takes as long.
 */
const engineFlags = ["--max-semi-space-size=4"];

/** Starts bloomd in a process group of its own. */
export function launchDaemon(argv: readonly string[], { env, logHome }: LaunchOptions): LaunchedDaemon {
  const main = fileURLToPath(import.meta.resolve("@bloomery/daemon/main"));
  if (!existsSync(main)) {
    throw new BloomError("ERR_INTERNAL", `${main} is missing`, {
      hint: "Run `npm run build` in the checkout.",
    });
  }
  const log = logHome === undefined ? undefined : openLog(logHome);
  // What is on our standard error is read by the one whom we tell what is wrong.
  const attended = log === undefined ? ["--attended"] : [];
  const child = spawn(process.execPath, [...engineFlags, main, ...argv, ...attended], {
    detached: true,
    env,
    stdio: ["ignore", "ignore", log ?? "inherit", "pipe"],
  });
  if (log !== undefined) closeSync(log);
  const ended = new Promise<number>((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
  let isReady = false;
  const ready = readFacts(child.stdio[3] as Readable, ended, logHome).then((facts) => {
    isReady = true;
    return facts;
  });
  ready.catch(() => undefined); // whoever awaits it hears of it
  return {
    ready,
    ended,
    isReady: () => isReady,
    signal: (name) => void child.kill(name),
    letGo: () => child.unref(),
  };
}

function openLog(home: string): number {
  mkdirSync(join(home, "log"), { recursive: true, mode: 0o700 });
  return openSync(join(home, "log", "bloomd.log"), "a", 0o600);
}

/** The daemon's one line on descriptor 3: ready, or why not. */
async function readFacts(
  pipe: Readable,
  ended: Promise<number>,
  logHome: string | undefined,
): Promise<DaemonFacts> {
  const line = await readLine(pipe, ended);
  pipe.destroy();
  if (line === "") {
    const where = logHome === undefined ? "above" : `in ${join(logHome, "log", "bloomd.log")}`;
    throw new BloomError("ERR_INTERNAL", "the daemon ended before it was ready", {
      hint: `Its log ${where} says why.`,
    });
  }
  const message = JSON.parse(line) as { ready: boolean; error?: unknown } & DaemonFacts;
  if (!message.ready) throw parseErrorDocument(message.error);
  return { apiUrl: message.apiUrl, httpPort: message.httpPort, pid: message.pid };
}

/** What is still in the pipe when the daemon ends is waited for; grandchildren may hold the pipe open. */
const drainMs = 500;

/** The first line; empty when there is none. */
function readLine(pipe: Readable, ended: Promise<number>): Promise<string> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: pipe });
    lines.once("line", resolve);
    lines.once("close", () => resolve(""));
    void ended.then(() => setTimeout(resolve, drainMs, "").unref());
  });
}
