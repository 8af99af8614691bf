import { spawn } from "node:child_process";
import { once } from "node:events";
import { request, type ClientRequest, type IncomingMessage } from "node:http";
import { constants } from "node:os";
import { pino } from "pino";
import { completeConfig, type AppConfig, type PartialConfig, type ShimStatus } from "@bloomery/contract";
import { createConnectionHandlers } from "../../src/api/routes/connections.js";
import { createExecHandlers } from "../../src/api/routes/exec.js";
import { createMountHandlers } from "../../src/api/routes/mounts.js";
import type { ApiContext } from "../../src/api/routes/context.js";
import type { Caller } from "../../src/api/caller.js";
import type { Handlers } from "../../src/api/handlers.js";
import { createApiServer } from "../../src/api/server.js";
import type { CommandOrder, Instance, RunningCommand } from "../../src/run/engines/engine.js";
import { openStore, type Store } from "../../src/store/index.js";

/** The API over real HTTP with a real store, and instances whose commands are processes of this machine. */
export interface InsideBench {
  readonly store: Store;
  readonly place: string;
  readonly environmentId: string;
  readonly port: number;
  readonly commands: RunningCommand[];
  readonly instances: Instance[];
  /** What commands were asked for. */
  readonly orders: CommandOrder[];
  close(): Promise<void>;
}

export async function openInsideBench(parts: {
  readonly config?: Partial<PartialConfig>;
  readonly runTool?: ApiContext["runTool"];
  readonly volumes?: ApiContext["volumes"];
  readonly reach?: Partial<ApiContext["reach"]>;
  /** In place of the two that are made. */
  readonly instances?: Instance[];
}): Promise<InsideBench> {
  const store = await openStore({ url: "sqlite::memory:" });
  const config: AppConfig = completeConfig({ web: { start: "true" }, ...parts.config });
  const { environmentId } = await createLive(store, config);
  const commands: RunningCommand[] = [];
  const orders: CommandOrder[] = [];
  const enter = (order: CommandOrder): RunningCommand => {
    orders.push(order);
    const command = spawnCommand(order);
    commands.push(command);
    return command;
  };
  const made = ["i-one", "i-two"].map((id) => fakeInstance(id, environmentId, enter));
  const instances = parts.instances ?? made;
  const unused = (): never => {
    throw new Error("not in this test");
  };
  const context = {
    store,
    fleet: {
      live: (id: string) => (id === environmentId ? instances : []),
      all: () => instances,
    } as unknown as ApiContext["fleet"],
    runTool: parts.runTool ?? unused,
    volumes: parts.volumes ?? { prepare: unused, capacity: unused },
    reach: { socketsOf: () => [], dial: unused, ...parts.reach } as ApiContext["reach"],
  };
  const api = createApiServer({
    handlers: new Proxy(
      {
        ...createExecHandlers(context),
        ...createMountHandlers(context),
        ...createConnectionHandlers(context),
      },
      { get: (all, name) => (all as Record<string | symbol, unknown>)[name] ?? unused },
    ) as Handlers,
    authenticate: async (secret) => callers[secret],
    log: pino({ level: "silent" }),
    allowedHosts: ["127.0.0.1"],
  });
  await api.listen({ host: "127.0.0.1", port: 0 });
  const bound = api.server.address();
  return {
    ...{ store, commands, instances, orders, environmentId },
    place: "/v1/orgs/local/apps/shop/environments/main",
    port: typeof bound === "object" && bound !== null ? bound.port : 0,
    async close() {
      await api.close();
      await store.close();
    },
  };
}

const everywhere = { orgId: null, orgName: null, appId: null, appName: null };
const callers: Readonly<Record<string, Caller>> = {
  viewer: { name: "vera", role: "viewer", ...everywhere },
  developer: { name: "dora", role: "developer", ...everywhere },
  admin: { name: "ada", role: "admin", ...everywhere },
};

async function createLive(store: Store, config: AppConfig): Promise<{ environmentId: string }> {
  const org = await store.orgs.ensure("local");
  const app = await store.apps.create({ orgId: org.id, name: "shop" });
  const { id: environmentId } = await store.environments.create({ appId: app.id, name: "main" });
  const build = await store.builds.create({ appId: app.id, key: "k", tree: "t" });
  const origin = { artifact: "a", tree: "t", config, createdBy: "ada" };
  const version = await store.versions.create({ appId: app.id, buildId: build.id, ...origin });
  const release = await store.releases.create({ environmentId, versionId: version.id, variables: "" });
  await store.environments.update(environmentId, { liveReleaseId: release.id });
  await store.environments.create({ appId: app.id, name: "empty" });
  return { environmentId };
}

function fakeInstance(
  id: string,
  environmentId: string,
  enter: (order: CommandOrder) => RunningCommand,
): Instance {
  const status = { state: "ready", pid: 1 } as ShimStatus;
  return { id, environmentId, status, enter: async (order: CommandOrder) => enter(order) } as Instance;
}

function spawnCommand({ command, env }: CommandOrder): RunningCommand {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { env: { PATH: process.env["PATH"], ...env }, detached: true });
  child.stdin.on("error", () => undefined);
  const exit = once(child, "close").then((ended) => {
    const [code, signal] = ended as [number | null, NodeJS.Signals | null];
    if (signal === null) return { code: code ?? 0, signal: null };
    return { code: 128 + constants.signals[signal], signal: signal.slice(3) };
  });
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    resize: () => undefined,
    signal(name) {
      try {
        process.kill(-(child.pid ?? 0), `SIG${name}`);
      } catch {
        // it has ended already
      }
    },
    exit,
  };
}

/** Begins a request whose body is written by the caller. */
export function beginRequest(
  bench: InsideBench,
  path: string,
  options: { readonly method?: string; readonly role?: string; readonly type?: string } = {},
): { readonly sent: ClientRequest; readonly answered: Promise<IncomingMessage> } {
  const { method = "POST", role = "developer", type = "application/x-ndjson" } = options;
  const sent = request({
    host: "127.0.0.1",
    port: bench.port,
    path: `${bench.place}${path}`,
    method,
    agent: false,
    headers: { authorization: `Bearer ${role}`, ...(method === "GET" ? {} : { "content-type": type }) },
  });
  const answered = once(sent, "response").then(([answer]) => answer as IncomingMessage);
  return { sent, answered };
}
