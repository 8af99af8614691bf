import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { request, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { completeConfig, type FunctionConfig } from "@bloomery/contract";
import { vi } from "vitest";
import { openArtifactStore } from "../../../src/build/artifact-store.js";
import { startDaemon, type Daemon } from "../../../src/daemon.js";
import { applyHome, planHome } from "../../../src/home.js";
import { openSecrets } from "../../../src/release/secrets.js";
import { resolveSettings } from "../../../src/settings.js";
import { openStore, type Store } from "../../../src/store/index.js";
import { findShim } from "../../build/helpers.js";
import { findFreePort } from "../../../src/run/engines/free-port.js";

/**
 * A function without an SDK, a process for each request. What it shall do is in the path: `/echo` answers the body,
 * `/slow/2.5` takes so many seconds, `/later` works on after its answer, `/hog` takes all memory, `/exit` ends the whole. It tells its version and a number of its own, and keeps a record of each request.
 */
export const program = `#!/usr/bin/perl
use strict; use IO::Socket::UNIX;
$| = 1; $SIG{PIPE} = "IGNORE"; my $end = 0; $SIG{TERM} = sub { $end = 1 };
my $listen = IO::Socket::UNIX->new_from_fd($ENV{IGNITE_LISTEN_FD}, "r+") or die "no socket: $!";
$listen->blocking(1);
open(my $records, ">&=", $ENV{IGNITE_RECORD_FD}) or die; $records->autoflush(1);
open(my $ready, ">&=", $ENV{IGNITE_READY_FD}) or die; print $ready "ready\\n"; close $ready;
my $main = $$; my $life = int rand 1e12;
while (!$end) {
  my $peer = $listen->accept or next;
  if (fork) { close $peer; next }
  $SIG{TERM} = "IGNORE";
  my $line = <$peer> // ""; my $length = 0; my $id = "";
  while (defined(my $head = <$peer>)) { last if $head =~ /^\\r?$/; $length = $1 if $head =~ /^content-length: *(\\d+)/i; $id = $1 if $head =~ /^x-tag: *(\\S+)/i }
  my $body = ""; read($peer, $body, $length) if $length;
  my ($path) = $line =~ m{^\\S+ /(\\S*)};
  if ($path eq "exit") { kill "KILL", $main; exit 3 }
  print "began $id\\n"; print $records "{}\\n";
  if ($path =~ m{^slow/(.*)}) { select undef, undef, undef, $1; $body = "slept" }
  elsif ($path eq "hog") { my @held; push @held, "x" x 1048576 while 1 }
  elsif ($path ne "echo") { $body = "$ENV{IGNITE_VERSION} $life" }
  print $peer "HTTP/1.1 200 OK\\r\\nContent-Length: " . length($body) . "\\r\\nConnection: close\\r\\n\\r\\n$body";
  if ($path eq "later") { close $peer; select undef, undef, undef, 1.5; print "began $id-done\\n" }
  exit 0;
}
1 while wait != -1;
`;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface FunctionWish {
  readonly name: string;
  /** The programs of its versions, the first of which is live. */
  readonly programs?: readonly string[];
  readonly config?: Partial<FunctionConfig>;
  readonly memoryBytes?: number;
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
  readonly app: string;
}

export interface RealFunctions {
  readonly home: string;
  readonly httpPort: number;
  ask(name: string, path?: string, options?: AskOptions): Promise<Answer>;
  /** A call of the daemon's own API. */
  api(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly body: ApiBody }>;
  /** What `bloom status` says of the function's environment. */
  health(name: string): Promise<Health>;
  instances(): Promise<readonly RunningInstance[]>;
  /** Tags of all executions that have begun, of all instances. */
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
  readonly signal?: AbortSignal;
}

/** A whole daemon with nginx, and functions as if they had been published earlier. */
export async function startFunctions(functions: readonly FunctionWish[]): Promise<RealFunctions> {
  const shimPath = findShim();
  if (shimPath === null) throw new Error("bloom-shim is not built");
  const home = await mkdtemp(join(tmpdir(), "bloomery-fn-"));
  await chmod(home, 0o711);
  const [apiPort, httpPort] = [await findFreePort(), await findFreePort()];
  const isRoot = process.getuid?.() === 0;
  const input = { home, "api-port": String(apiPort), "http-port": String(httpPort), "log-level": "warn" };
  const settings = resolveSettings(input, {}, { isRoot, shimPath });
  const paths = planHome(home);
  await applyHome(paths);
  const store = await openStore({ url: settings.database });
  for (const wish of functions) await publish(store, paths, wish);
  await store.close();
  let daemon: Daemon = await startDaemon(settings);

  const real: RealFunctions = {
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

async function publish(store: Store, paths: ReturnType<typeof planHome>, wish: FunctionWish): Promise<void> {
  const secrets = await openSecrets(paths.secretsKey);
  const artifacts = await openArtifactStore(paths.artifacts);
  const org = await store.orgs.ensure("local");
  const { app } = await store.apps.ensure({ orgId: org.id, name: wish.name });
  const { environment } = await store.environments.ensure({ appId: app.id, name: "main" });
  const { memoryBytes = 256 * 1_048_576 } = wish;
  const config = completeConfig({
    ...{
      name: wish.name,
      function: { allowUnauthenticated: true, ...wish.config },
      network: "none",
      limits: { memoryBytes },
    },
    web: { start: "", graceSeconds: 5, drainSeconds: 5 },
  });
  let live: string | undefined;
  for (const [index, source] of (wish.programs ?? [program]).entries()) {
    const work = join(paths.root, `work-${wish.name}-${index}`);
    await mkdir(work);
    await writeFile(join(work, "function"), source, { mode: 0o755 });
    const { digest } = await artifacts.collect(work);
    await rm(work, { recursive: true });
    const tree = `tree-${index}`;
    const build = await store.builds.create({ appId: app.id, key: `${wish.name}-${index}`, tree });
    const version = await store.versions.create({
      ...{ appId: app.id, buildId: build.id, artifact: digest, tree, config, createdBy: "test" },
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
        headers: { host: `${name}-local.localhost:${port}`, ...(tag === undefined ? {} : { "x-tag": tag }) },
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
