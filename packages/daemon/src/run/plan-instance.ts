import {
  BloomError,
  controlProtocol,
  type AppConfig,
  type ShimSpec,
  type WebConfig,
} from "@bloomery/contract";
import { planSandbox } from "../build/sandbox/plan-sandbox.js";
import type { InstanceWish } from "./engines/engine.js";
import type { InstanceFacts, InstanceListen, OwnListen } from "./instance-facts.js";
import { functionVariables, planFunctionSpec } from "./plan-function.js";
import { planMounts, planRunMount, runFolder } from "./plan-mounts.js";
import { planPreforkSpec } from "./plan-prefork.js";
import { planCommand, planLine, planWithoutSocket } from "./plan-command.js";
import { isAskedBySocket } from "./plan-network.js";
import { planInstanceFiles } from "./plan-instance-files.js";
import { planRlimits, planTmpfs } from "./plan-limits.js";
import { planComplete } from "./plan-standby.js";
import { planPortVariables, planTcpSpec } from "./plan-tcp.js";

/** What the app is told in SOCKET. Its folder is the app's own and a folder of the instance on the host. */
const appSocket = `${runFolder}/app.sock`;

/** What an app is told about where to listen; the host of a prefork app is told by its words. */
export function planListenVariables(
  { prefork }: Pick<AppConfig, "prefork">,
  listen: InstanceListen,
): Readonly<Record<string, string>> {
  if (listen.kind === "given") return prefork === null ? functionVariables : {};
  if (listen.kind === "ports") return planPortVariables(listen.ports);
  return listen.kind === "tcp" ? { PORT: String(listen.port) } : { SOCKET: appSocket };
}

/** The shim's whole order for one instance. */
export function planInstanceSpec(wish: InstanceWish, facts: InstanceFacts): ShimSpec {
  const { listen } = facts;
  const { function: own, prefork, tcp } = wish.config;
  const isWeb = own === null && prefork === null && tcp === null;
  if (own !== null && listen.kind === "given") return planFunctionSpec(wish, own, facts, listen.path);
  if (prefork !== null && listen.kind === "given") return planPreforkSpec(wish, prefork, facts, listen.path);
  if (tcp !== null && listen.kind === "ports") return planTcpSpec(wish, tcp, facts, listen);
  if (isWeb && (listen.kind === "tcp" || listen.kind === "unix"))
    return planWebSpec(wish, { ...facts, listen });
  throw new BloomError("ERR_INTERNAL", `a ${wish.config.shape} cannot listen on a ${listen.kind} socket`);
}

type WebFacts = InstanceFacts & { readonly listen: OwnListen };

function planWebSpec(wish: InstanceWish, facts: WebFacts): ShimSpec {
  const { web, limits } = wish.config;
  const inside = {
    mounts: [...planMounts(wish, facts), ...(facts.listen.kind === "unix" ? [planRunMount(facts.dir)] : [])],
    command: planStart(web.start, facts.listen),
  };
  const sandbox = planSandbox(
    {
      ...inside,
      etc: facts.etc,
      tmpfs: planTmpfs(limits, facts.cgroups),
      folders: [],
      cwd: "/app",
      hostname: wish.appName,
      network: wish.config.network === "none" && isAskedBySocket(wish.config) ? "none" : "kept",
    },
    { staged: facts.user !== null, bwrap: facts.bwrap },
  );
  return {
    protocol: controlProtocol,
    id: wish.id,
    dir: facts.dir,
    sandbox: "bwrap",
    command: sandbox.command,
    env: { ...wish.env, ...planListenVariables(wish.config, facts.listen) },
    user: facts.user,
    netns: facts.netns,
    stage: sandbox.stage,
    cgroups: [...facts.cgroups],
    rlimits: planRlimits(limits, facts),
    nice: 0,
    seccomp: true,
    ready: planReady(wish, facts),
    restart: {
      policy: "always",
      backoff_initial_ms: 100,
      backoff_max_ms: 30_000,
      reset_after_ms: 10_000,
      crash_loop_after: 3,
    },
    stop: { signal: "TERM", grace_ms: web.graceSeconds * 1000 },
    log: { max_bytes: 20 * 1_048_576, files: 5 },
    records: null,
    forward: planForward(facts),
    listen: null,
    complete: planComplete(wish, facts, inside),
    pre_start: web.preStart === null ? null : planLine(web.preStart),
    post_start: web.postStart === null ? null : planLine(web.postStart),
  };
}

function planStart(line: string, listen: OwnListen): string[] {
  const command = ["/bin/sh", "-c", line];
  return planCommand(listen.kind === "tcp" ? command : planWithoutSocket(appSocket, command));
}

function planReady(wish: InstanceWish, facts: WebFacts): ShimSpec["ready"] {
  if (!isAsked(wish.config.web)) return { kind: "none" };
  const { path, timeoutSeconds } = wish.config.web.ready;
  const timeout_ms = timeoutSeconds * 1000;
  if (facts.listen.kind === "unix") {
    return { kind: "unix", socket: planInstanceFiles(facts.dir).appSocket, path, timeout_ms };
  }
  const { port } = facts.listen;
  return path === null ? { kind: "tcp", port, timeout_ms } : { kind: "http", port, path, timeout_ms };
}

/** False for a site of files alone: no request ever comes to the app, so it need not listen. */
export function isAsked({ locations }: Pick<WebConfig, "locations">): boolean {
  return Object.values(locations).some(
    ({ passthru, rules }) => passthru === true || rules.some((rule) => rule.passthru === true),
  );
}

function planForward(facts: WebFacts): ShimSpec["forward"] {
  const { listen } = facts;
  if (listen.kind === "unix") {
    return { listen: listen.forward, socket: planInstanceFiles(facts.dir).appSocket };
  }
  return listen.forward === null ? null : { listen: listen.forward, port: listen.port };
}
