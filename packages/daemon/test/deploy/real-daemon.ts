import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { request, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { AppConfig } from "@bloomery/contract";
import { vi } from "vitest";
import { openArtifactStore } from "../../src/build/artifact-store.js";
import { startDaemon, type Daemon } from "../../src/daemon.js";
import { applyHome, planHome } from "../../src/home.js";
import { openSecrets } from "../../src/release/secrets.js";
import { resolveSettings } from "../../src/settings.js";
import { openStore, type Store } from "../../src/store/index.js";
import { findShim } from "../build/helpers.js";
import { findFreePort } from "../../src/run/engines/free-port.js";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An app as if it had been deployed earlier. */
export interface AppWish {
  readonly name: string;
  readonly config: AppConfig;
  /** What its program is called, and its text in each version, the first of which is live. */
  readonly program: string;
  readonly versions: readonly string[];
}

/** Of all answers of the API what these tests read. */
interface ApiBody {
  readonly id: string;
  readonly health: string;
  readonly state: string;
  readonly finishedAt: string | null;
  readonly environments: readonly Health[];
  readonly instances: readonly RunningInstance[];
  readonly sleeping: readonly unknown[];
  readonly troubles: readonly unknown[];
}
interface Health {
  readonly health: string;
  readonly trouble: string | null;
  readonly instances: { readonly ready: number };
}
interface RunningInstance {
  readonly id: string;
  readonly restarts: number;
  readonly state: string;
  readonly app: string;
}

export interface RealDaemon {
  readonly home: string;
  readonly httpPort: number;
  ask(name: string, path?: string, options?: AskOptions): Promise<Answer>;
  /** A call of the daemon's own API. */
  api(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly body: ApiBody }>;
  /** What `bloom status` says of the app's environment. */
  health(name: string): Promise<Health>;
  instances(): Promise<readonly RunningInstance[]>;
  /** Tags of everything that has begun, of all instances. */
  begun(): Promise<readonly string[]>;
  rollback(name: string, version: number): Promise<string>;
  /** Ends the daemon and starts the next one; what runs goes on meanwhile. */
  restart(between?: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export interface AskOptions {
  readonly method?: string;
  readonly body?: string | Buffer;
  readonly tag?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A whole daemon with nginx, and these apps. */
export async function startReal(apps: readonly AppWish[]): Promise<RealDaemon> {
  const shimPath = findShim();
  if (shimPath === null) throw new Error("bloom-shim is not built");
  const home = await mkdtemp(join(tmpdir(), "bloomery-real-"));
  await chmod(home, 0o711);
  const [apiPort, httpPort] = [await findFreePort(), await findFreePort()];
  const isRoot = process.getuid?.() === 0;
  const input = { home, "api-port": String(apiPort), "http-port": String(httpPort), "log-level": "warn" };
  const settings = resolveSettings(input, {}, { isRoot, shimPath });
  const paths = planHome(home);
  await applyHome(paths);
  const store = await openStore({ url: settings.database });
  for (const wish of apps) await publish(store, paths, wish);
  await store.close();
  let daemon: Daemon = await startDaemon(settings);

  const real: RealDaemon = {
    ...{ home, httpPort },
    ask: (name, path = "/", options = {}) => askEdge(httpPort, name, path, options),
    async api(method, path, body) {
      const secret = (await readFile(paths.adminToken, "utf8")).trim();
      const response = await fetch(`${daemon.apiUrl}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${secret}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as ApiBody };
    },
    async health(name) {
      const { body } = await real.api("GET", `/v1/orgs/local/apps/${name}`);
      const [main] = body.environments;
      if (main === undefined) throw new Error(`${name} has no environment`);
      return main;
    },
    instances: async () => (await real.api("GET", "/v1/instances")).body.instances,
    async begun() {
      const tags: string[] = [];
      for (const id of await readdir(paths.instances)) {
        const log = await readFile(join(paths.instances, id, "log", "app.log"), "utf8").catch(() => "");
        tags.push(...[...log.matchAll(/ began (\S*)$/gm)].map((match) => match[1] ?? ""));
      }
      return tags;
    },
    async rollback(name, version) {
      const path = `/v1/orgs/local/apps/${name}/environments/main`;
      const { body } = await real.api("POST", `${path}/rollback`, { version });
      return vi.waitUntil(
        async () => {
          const row = (await real.api("GET", `/v1/orgs/local/apps/${name}/deployments/${body.id}`)).body;
          return row.finishedAt === null ? undefined : row.state;
        },
        { timeout: 20_000, interval: 50 },
      );
    },
    async restart(between = async () => undefined) {
      await daemon.stop(false);
      try {
        await between();
      } finally {
        // Whatever came of it: only a daemon can end what runs.
        daemon = await startDaemon(settings);
      }
    },
    async close() {
      await daemon.stop(true);
      await rm(home, { recursive: true, force: true });
    },
  };
  return real;
}

async function publish(store: Store, paths: ReturnType<typeof planHome>, wish: AppWish): Promise<void> {
  const secrets = await openSecrets(paths.secretsKey);
  const artifacts = await openArtifactStore(paths.artifacts);
  const org = await store.orgs.ensure("local");
  const { app } = await store.apps.ensure({ orgId: org.id, name: wish.name });
  const { environment } = await store.environments.ensure({ appId: app.id, name: "main" });
  let live: string | undefined;
  for (const [index, source] of wish.versions.entries()) {
    const work = join(paths.root, `work-${wish.name}-${index}`);
    await mkdir(work);
    await writeFile(join(work, wish.program), source, { mode: 0o755 });
    const { digest } = await artifacts.collect(work);
    await rm(work, { recursive: true });
    const tree = `tree-${index}`;
    const build = await store.builds.create({ appId: app.id, key: `${wish.name}-${index}`, tree });
    const version = await store.versions.create({
      ...{ appId: app.id, buildId: build.id, artifact: digest, tree, config: wish.config, createdBy: "test" },
    });
    const variables = secrets.seal(JSON.stringify({ app: {}, environment: {} }));
    const release = await store.releases.create({
      environmentId: environment.id,
      versionId: version.id,
      variables,
    });
    live ??= release.id;
  }
  await store.environments.update(environment.id, { liveReleaseId: live, desired: "running" });
}

function askEdge(port: number, name: string, path: string, options: AskOptions): Promise<Answer> {
  const { method = options.body === undefined ? "GET" : "POST", body, tag, signal } = options;
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        ...{ port, host: "127.0.0.1", path, method, agent: false, timeout: 60_000 },
        ...(signal === undefined ? {} : { signal }),
        headers: {
          host: `${name}-local.localhost:${port}`,
          ...(tag === undefined ? {} : { "x-tag": tag }),
          ...options.headers,
        },
      },
      (answer) => {
        const { statusCode: status = 0, headers } = answer;
        text(answer).then((words) => resolve({ status, headers, body: words }), reject);
      },
    );
    asked.once("error", reject);
    asked.end(body);
  });
}
