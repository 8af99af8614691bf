import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { BloomError } from "@bloomery/contract";
import type { Command, Context, FlagSpec } from "../command.js";

const group = "Server";
const homeFlag: FlagSpec = {
  flag: "--home <folder>",
  about: "where the platform keeps its state (BLOOM_HOME)",
};

export const serverCommands: readonly Command[] = [
  {
    name: "server start",
    group,
    summary: "Start the platform",
    about:
      "In the foreground: Ctrl-C stops the platform and everything that runs on it. With --detach it goes on alone.",
    flags: [
      homeFlag,
      { flag: "--api-port <port>", about: "port of the API" },
      { flag: "--http-port <port>", about: "port on which apps are served" },
      { flag: "--http-address <address>", about: "address on which apps are served" },
      { flag: "--tcp-address <addresses>", about: "where ports of tcp apps are opened: a,b,…" },
      { flag: "--base-domain <domain>", about: "apps are served as <app>-<org>.<domain>" },
      { flag: "--database <url>", about: "sqlite:/path or postgres://… (BLOOM_DATABASE)" },
      { flag: "--network <block>", about: "IPv4 block for instances, such as 198.18.0.0/16" },
      {
        flag: "--weak-isolation <word>",
        about: "refuse or accept apps whose network limits this machine cannot keep (refuse)",
      },
      { flag: "--build-time-limit <seconds>", about: "longest time a build may take" },
      { flag: "--execution-days <days>", about: "how long records of executions are kept (7)" },
      { flag: "--execution-count <count>", about: "how many of them are kept of each function (10000)" },
      { flag: "--log-level <level>", about: "trace, debug, info, warn or error" },
      { flag: "--detach", about: "return when the platform is ready" },
      {
        flag: "--deploy-examples <folder>",
        about: "on the first start, deploy every example below this folder",
      },
    ],
    examples: ["bloom server start", "bloom server start --detach --http-port 8000"],
    run: async (context) => (await import("./start-server.js")).startServer(context),
  },
  {
    name: "server stop",
    group,
    summary: "Stop the platform and everything that runs on it",
    flags: [
      homeFlag,
      { flag: "--keep-apps", about: "stop only the daemon: apps and nginx go on and are found again" },
    ],
    examples: ["bloom server stop", "bloom server stop --keep-apps"],
    async run(context) {
      const { client, output, flags, confirm } = context;
      const apps = flags["keep-apps"] !== true;
      const status = await client().call("getStatus", {});
      // Scripts and service managers stop it without further words; a person is asked.
      if (apps && output.live) await confirm("Stop the platform and every app on it?");
      const isRunning = watchProcess(status.pid);
      await client().call("shutdown", { body: { apps } });
      await waitGone(context, isRunning);
      output.result({ ok: true, pid: status.pid }, [
        apps ? "stopped" : "the daemon is stopped, the apps go on",
      ]);
    },
  },
  {
    name: "server status",
    group,
    summary: "Show the platform",
    about: "Exit code 9 when no daemon answers.",
    flags: [homeFlag],
    examples: ["bloom server status --json"],
    async run({ client, output }) {
      const status = await client().call("getStatus", {});
      output.result(status, [
        `bloomd ${status.version}, pid ${status.pid}, since ${status.startedAt}`,
        `API       ${status.apiUrl}`,
        `apps      http://<app>-<org>.${status.baseDomain}:${status.httpPort}/`,
        `nginx     ${status.nginx.running ? `${status.nginx.version}, pid ${status.nginx.pid ?? "-"}` : "not running"}`,
        `sandbox   ${status.sandbox.description}; control groups: ${status.sandbox.cgroups}`,
        ...status.sandbox.missing.map((words) => `missing   ${words}`),
        `database  ${status.store}`,
        `home      ${status.home}`,
      ]);
    },
  },
];

const stopLimitMs = 60_000;

/** Waits until the daemon does not answer any more and, when it runs on this machine, its process is gone. */
async function waitGone(context: Context, isRunning: () => boolean): Promise<void> {
  const end = Date.now() + stopLimitMs;
  while (isRunning() || (await isAnswering(context))) {
    if (Date.now() > end) {
      throw new BloomError("ERR_DEADLINE", `the daemon did not end within ${stopLimitMs / 1000} s`);
    }
    await delay(20, undefined, { signal: context.signal });
  }
}

/** Watches the process of a pid, if it is the daemon's: a daemon elsewhere has a pid, too. */
function watchProcess(pid: number): () => boolean {
  const readProc = (file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "utf8");
    } catch {
      return "";
    }
  };
  const command = readProc("cmdline");
  if (!/daemon\/(?:dist|src)\/main\./.test(command)) return () => false;
  return () => {
    // A process that has ended but that nobody has waited for keeps its pid: its state says so.
    const stat = readProc("stat");
    return readProc("cmdline") === command && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  };
}

async function isAnswering({ client }: Context): Promise<boolean> {
  return client()
    .call("getHealth", {})
    .then(
      () => true,
      () => false,
    );
}
