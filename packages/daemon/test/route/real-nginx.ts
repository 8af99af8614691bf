import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ShimSpec } from "@bloomery/contract";
import { findFreePort } from "../../../../scripts/lib/find-free-port.mjs";
import { planNginxPaths, type NginxPaths } from "../../src/route/nginx-paths.js";
import {
  openNginxWith,
  type Nginx,
  type NginxCoreOptions,
  type NginxSupervisor,
} from "../../src/route/open-nginx.js";
import { planNginx, type NginxFacts } from "../../src/route/plan-nginx.js";
import type { StreamFacts } from "../../src/route/plan-stream.js";
import { planRoutes, type RouteTarget } from "../../src/route/plan-routes.js";
import { readNginxVersion } from "../../src/route/run-nginx.js";

/** A real nginx in a temporary home on a free port, run by a few lines that play the shim. */
export interface NginxBench {
  readonly home: string;
  readonly paths: NginxPaths;
  readonly facts: NginxFacts;
  readonly port: number;
  readonly nginx: Nginx;
  readonly supervisor: NginxSupervisor;
  readonly options: NginxCoreOptions;
  /** Plans these targets and brings them into force. */
  serve(targets: readonly RouteTarget[]): Promise<void>;
  plan(targets: readonly RouteTarget[]): string;
  close(): Promise<void>;
}

export const nginxBinary = "/usr/sbin/nginx";
/** As root, nginx runs as a user of its own that nothing else has. */
export const nginxUser = process.getuid?.() === 0 ? { uid: 1_900_000_000, gid: 1_900_000_000 } : null;

export async function openBench(
  wish: Partial<NginxCoreOptions> & { modules?: readonly string[]; stream?: StreamFacts } = {},
): Promise<NginxBench> {
  const home = await mkdtemp(join(tmpdir(), "bloom-ng-"));
  await chmod(home, 0o711);
  const port = await findFreePort();
  const prefix = join(home, "nginx");
  const version = await readNginxVersion(nginxBinary);
  const facts: NginxFacts = {
    paths: planNginxPaths(prefix),
    listen: [{ address: "127.0.0.1", port }],
    version,
    modules: wish.modules ?? [],
    stream: wish.stream ?? null,
    workers: 2,
    workerUser: null,
  };
  const children = new Set<ChildProcess>();
  const supervisor = wish.supervisor ?? playShim(children);
  const options: NginxCoreOptions = {
    prefix,
    program: { binary: nginxBinary, version, user: nginxUser, setpriv: null },
    listen: facts.listen,
    log: { warn: (fields, text) => console.error(text, fields) },
    ...wish,
    supervisor,
  };
  const nginx = await openNginxWith(options);
  const plan = (targets: readonly RouteTarget[]): string => planNginx(planRoutes(targets), facts);
  return {
    home,
    paths: facts.paths,
    facts,
    port,
    nginx,
    supervisor,
    options,
    plan,
    serve: (targets) => nginx.apply(plan(targets)),
    async close() {
      await nginx.stop();
      for (const child of children) child.kill("SIGKILL");
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Starts what the spec says and answers for it; restarts nothing. */
function playShim(children: Set<ChildProcess>): NginxSupervisor {
  const running = new Map<string, { child: ChildProcess; ended: Promise<unknown> }>();
  const start = (spec: ShimSpec): void => {
    const [command = "", ...args] = spec.command;
    const child = spawn(command, args, { env: spec.env, stdio: "ignore", cwd: "/", ...spec.user });
    children.add(child);
    const ended = once(child, "exit").then(() => children.delete(child));
    running.set(join(spec.dir, "control.sock"), { child, ended });
  };
  const specs = new Map<string, ShimSpec>();
  return {
    async startShim(spec) {
      specs.set(join(spec.dir, "control.sock"), spec);
      start(spec);
    },
    async openControl(path) {
      const found = running.get(path);
      if (found === undefined) throw new Error(`no shim at ${path}`);
      const { child, ended } = found;
      return {
        signal: async (name) => void child.kill(`SIG${name}` as NodeJS.Signals),
        async restart() {
          child.kill("SIGKILL");
          await ended;
          const spec = specs.get(path);
          if (spec !== undefined) start(spec);
        },
        stop: async () => void child.kill("SIGTERM"),
        closed: ended.then(() => void running.delete(path)),
        close: () => undefined,
      };
    },
  };
}
