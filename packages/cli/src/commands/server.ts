import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { BloomError, parseErrorDocument } from "@bloomery/contract";
import { createClient } from "../client.js";
import type { Command, Context } from "../command.js";
import { resolveCliSettings } from "../settings.js";
import { deployExamples } from "./deploy-examples.js";

const group = "Server";
const passedFlags = [
  "home",
  "api-port",
  "http-port",
  "http-address",
  "base-domain",
  "database",
  "network",
  "log-level",
  "build-time-limit",
] as const;

export const serverCommands: readonly Command[] = [
  {
    name: "server start",
    group,
    summary: "Start the platform",
    about:
      "In the foreground: Ctrl-C stops the platform and everything that runs on it. With --detach it goes on alone.",
    flags: [
      { flag: "--home <folder>", about: "where the platform keeps its state (BLOOM_HOME)" },
      { flag: "--api-port <port>", about: "port of the API" },
      { flag: "--http-port <port>", about: "port on which apps are served" },
      { flag: "--http-address <address>", about: "address on which apps are served" },
      { flag: "--base-domain <domain>", about: "apps are served as <app>-<org>.<domain>" },
      { flag: "--database <url>", about: "sqlite:/path or postgres://… (BLOOM_DATABASE)" },
      { flag: "--network <block>", about: "IPv4 block for instances, such as 198.18.0.0/16" },
      { flag: "--build-time-limit <seconds>", about: "longest time a build may take" },
      { flag: "--log-level <level>", about: "trace, debug, info, warn or error" },
      { flag: "--detach", about: "return when the platform is ready" },
      {
        flag: "--deploy-examples <folder>",
        about: "on the first start, deploy every example below this folder",
      },
    ],
    examples: ["bloom server start", "bloom server start --detach --http-port 8000"],
    run: startServer,
  },
  {
    name: "server stop",
    group,
    summary: "Stop the platform and everything that runs on it",
    flags: [{ flag: "--keep-apps", about: "stop only the daemon: apps and nginx go on and are found again" }],
    examples: ["bloom server stop", "bloom server stop --keep-apps"],
    async run(context) {
      const { client, output, flags, confirm } = context;
      const apps = flags["keep-apps"] !== true;
      const status = await client().call("getStatus", {});
      if (apps && context.flags["yes"] !== true && output.live)
        await confirm("Stop the platform and every app on it?");
      await client().call("shutdown", { body: { apps } });
      await waitGone(status.pid);
      output.result({ ok: true, pid: status.pid }, [
        apps ? "stopped" : "the daemon is stopped, the apps go on",
      ]);
    },
  },
  {
    name: "server status",
    group,
    summary: "Show the platform",
    examples: ["bloom server status --json"],
    async run({ client, output }) {
      const status = await client().call("getStatus", {});
      output.result(status, [
        `bloomd ${status.version}, pid ${status.pid}, since ${status.startedAt}`,
        `API       ${status.apiUrl}`,
        `apps      http://<app>-<org>.${status.baseDomain}:${status.httpPort}/`,
        `nginx     ${status.nginx.running ? `${status.nginx.version}, pid ${status.nginx.pid ?? "-"}` : "not running"}`,
        `sandbox   ${status.sandbox.description}; control groups: ${status.sandbox.cgroups}`,
        `database  ${status.store}`,
        `home      ${status.home}`,
      ]);
    },
  },
];

async function startServer(context: Context): Promise<number | void> {
  const { flags, output } = context;
  const settings = resolveCliSettings({
    flags: {},
    env: { ...process.env, BLOOM_API: undefined, ...homeOf(flags) },
    cwd: "/",
    isRoot: process.getuid?.() === 0,
  });
  const detach = flags["detach"] === true;
  const argv = passedFlags.flatMap((flag) => {
    const value = flags[flag];
    return typeof value === "string" ? [`--${flag}`, value] : [];
  });
  if (!argv.includes("--home")) argv.push("--home", settings.home);
  const daemon = launch(argv, detach ? settings.home : undefined);
  const ended = new Promise<number>((resolve) => daemon.once("exit", (code) => resolve(code ?? 1)));
  const ready = await readReady(daemon, ended);
  // A group of its own keeps the terminal's Ctrl-C from the daemon: we pass on what is meant.
  const interrupt = (): void => void daemon.kill("SIGINT");
  context.signal.addEventListener("abort", interrupt, { once: true });
  process.on("SIGTERM", () => void daemon.kill("SIGTERM"));
  if (context.signal.aborted) interrupt();

  const client = createClient({
    api: ready.apiUrl,
    token: resolveCliSettings({ flags: {}, env: homeEnv(settings.home), cwd: "/", isRoot: true }).token,
  });
  try {
    const status = await client.call("getStatus", {});
    const examples = flags["deploy-examples"];
    const urls = typeof examples === "string" ? await deployExamples(context, client, examples) : [];
    output.result({ ...ready, urls, home: status.home }, [
      `Bloomery is running (pid ${status.pid}).`,
      `  API   ${status.apiUrl}`,
      `  apps  http://<app>-<org>.${status.baseDomain}:${status.httpPort}/`,
      ...urls.map((url) => `        ${url}`),
      detach ? "Stop it with: bloom server stop" : "Ctrl-C stops it, with everything that runs on it.",
    ]);
  } finally {
    await client.close();
  }
  if (detach) {
    daemon.unref();
    return 0;
  }
  const code = await ended;
  context.signal.removeEventListener("abort", interrupt);
  return code;
}

function launch(argv: readonly string[], logHome: string | undefined): ChildProcess {
  const main = fileURLToPath(import.meta.resolve("@bloomery/daemon/main"));
  if (!existsSync(main))
    throw new BloomError("ERR_INTERNAL", `${main} is missing`, {
      hint: "Run `npm run build` in the checkout.",
    });
  let log: number | "inherit" = "inherit";
  if (logHome !== undefined) {
    mkdirSync(join(logHome, "log"), { recursive: true, mode: 0o700 });
    log = openSync(join(logHome, "log", "bloomd.log"), "a", 0o600);
  }
  return spawn(process.execPath, [main, ...argv], {
    detached: true,
    stdio: ["ignore", "ignore", log, "pipe"],
  });
}

/** The daemon's one line: ready, or why not. */
async function readReady(
  daemon: ChildProcess,
  ended: Promise<number>,
): Promise<{ apiUrl: string; httpPort: number; pid: number }> {
  const pipe = daemon.stdio[3] as Readable;
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface({ input: pipe }).once("line", resolve)),
    ended.then(() => ""),
  ]);
  if (line === "")
    throw new BloomError("ERR_INTERNAL", "the daemon ended before it was ready", {
      hint: "Its log says why: log/bloomd.log below the home.",
    });
  const message = JSON.parse(line) as {
    ready: boolean;
    error?: unknown;
    apiUrl: string;
    httpPort: number;
    pid: number;
  };
  pipe.destroy();
  if (!message.ready) throw parseErrorDocument(message.error);
  return { apiUrl: message.apiUrl, httpPort: message.httpPort, pid: message.pid };
}

async function waitGone(pid: number): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new BloomError("ERR_DEADLINE", `the daemon (pid ${pid}) did not end within 60 s`);
}

function homeOf(flags: Context["flags"]): NodeJS.ProcessEnv {
  return typeof flags["home"] === "string" ? homeEnv(flags["home"]) : {};
}

function homeEnv(home: string): NodeJS.ProcessEnv {
  return { BLOOM_HOME: home };
}
