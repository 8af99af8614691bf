import { controlProtocol, type AppConfig, type ShimSpec, type TcpConfig } from "@bloomery/contract";
import { planSandbox } from "../build/sandbox/plan-sandbox.js";
import type { InstanceWish } from "./engines/engine.js";
import type { InstanceFacts, PortsListen } from "./instance-facts.js";
import { planCommand, planLine } from "./plan-command.js";
import { planRlimits, planTmpfs } from "./plan-limits.js";
import { planMounts } from "./plan-mounts.js";

/** The ports a tcp app listens on, each once, in the order of the manifest; none: they are found out. */
export function targetPorts({ ports }: TcpConfig): readonly number[] {
  return [...new Set(ports.map(({ targetPort }) => targetPort))];
}

/**
 * Whether two versions of an app cannot run at the same time, because both would listen on the same ports of the
 * machine. `hasNetwork`: instances can have namespaces of their own.
 */
export function needsStopStart(config: Pick<AppConfig, "tcp" | "network">, hasNetwork: boolean): boolean {
  return config.tcp !== null && (!hasNetwork || config.network === "host");
}

/** The shim's whole order for one instance of a tcp app. */
export function planTcpSpec(
  wish: InstanceWish,
  tcp: TcpConfig,
  facts: InstanceFacts,
  { ports, relays }: PortsListen,
): ShimSpec {
  const { web, limits } = wish.config;
  const goodbye = planGoodbye(tcp);
  const drains = planDrains(tcp);
  const sandbox = planSandbox(
    {
      mounts: planMounts(wish, facts),
      etc: facts.etc,
      tmpfs: planTmpfs(limits, facts.cgroups),
      folders: [],
      cwd: "/app",
      hostname: wish.appName,
      command: planCommand(["/bin/sh", "-c", web.start]),
      network: "kept",
    },
    { staged: facts.user !== null, bwrap: facts.bwrap },
  );
  return {
    protocol: controlProtocol,
    id: wish.id,
    dir: facts.dir,
    sandbox: "bwrap",
    command: sandbox.command,
    env: { ...wish.env, ...planPortVariables(ports) },
    user: facts.user,
    netns: facts.netns,
    stage: sandbox.stage,
    cgroups: [...facts.cgroups],
    rlimits: planRlimits(limits, facts),
    nice: 0,
    seccomp: true,
    // Nobody knocks: a simple server would take that for a client.
    ready: { kind: "listens", ports: [...ports], timeout_ms: web.ready.timeoutSeconds * 1000 },
    restart: {
      policy: "always",
      backoff_initial_ms: 100,
      backoff_max_ms: 30_000,
      reset_after_ms: 10_000,
      crash_loop_after: 3,
    },
    stop: { signal: "TERM", grace_ms: web.graceSeconds * 1000 },
    ...(goodbye.length === 0 ? {} : { goodbye }),
    ...(drains.length === 0 ? {} : { drains }),
    ...(relays.length === 0 ? {} : { relays: [...relays] }),
    log: { max_bytes: 20 * 1_048_576, files: 5 },
    records: null,
    forward: null,
    listen: null,
    complete: null,
    pre_start: web.preStart === null ? null : planLine(web.preStart),
    post_start: web.postStart === null ? null : planLine(web.postStart),
  };
}

/** An app that asks for its port is told the first one; the others it knows itself. */
export function planPortVariables([port]: readonly number[]): Readonly<Record<string, string>> {
  return port === undefined ? {} : { PORT: String(port) };
}

/** The last line to clients; of two public ports that lead to the same one, that of the first. */
function planGoodbye({ ports }: TcpConfig): NonNullable<ShimSpec["goodbye"]> {
  const texts = new Map<number, string>();
  for (const { targetPort, goodbye } of ports) {
    if (goodbye === null || texts.has(targetPort)) continue;
    texts.set(targetPort, goodbye.endsWith("\n") ? goodbye : `${goodbye}\n`);
  }
  return [...texts].map(([port, text]) => ({ port, text }));
}

/**
 * The ports that drain for less long than the others, which is as long as the instance does. Of two public ports that lead
 * to the same one the longer time holds: to the app their clients are the same.
 */
function planDrains({ ports }: TcpConfig): NonNullable<ShimSpec["drains"]> {
  const times = new Map<number, number>();
  for (const { targetPort, drainSeconds } of ports)
    times.set(targetPort, Math.max(drainSeconds, times.get(targetPort) ?? 0));
  const longest = Math.max(...times.values());
  const short = [...times].filter(([, seconds]) => seconds < longest);
  return short.map(([port, seconds]) => ({ port, limit_ms: seconds * 1000 }));
}
