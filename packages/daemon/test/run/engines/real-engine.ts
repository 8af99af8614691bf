import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { completeConfig, type AppConfig, type PartialConfig, type ShimStatus } from "@bloomery/contract";
import { applyHome, planHome, type HomePaths } from "../../../src/home.js";
import { sweepGroups } from "../../../src/run/cgroups.js";
import type { InstanceNetwork } from "../../../src/run/engines/allocate-place.js";
import type { Engine, Instance, InstanceWish, RunningCommand } from "../../../src/run/engines/engine.js";
import { createLocalEngine, type LocalEngine } from "../../../src/run/engines/local.js";
import { planRelaySocket } from "../../../src/run/plan-relays.js";
import { findPortHolder } from "../../../src/route/find-port-holder.js";
import { probeHost, type HostFacts } from "../../../src/run/probe-host.js";
import { findShim } from "../../build/helpers.js";
import { lane } from "../../lane.js";

export const isRoot = process.getuid?.() === 0;
/** Above those of daemons; an engine ends strays by their uid, and so may one in another worker. */
export const uidBase = 2_100_000_000 + (lane % 470) * 100_000;

export const cleanups: (() => Promise<unknown>)[] = [];
/** Undoes what a test has made, the last first; to be given to afterEach. */
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

/**
 * The app of these tests: for each request it runs the path, decoded, as a line of `sh` and answers with what it
 * printed. It listens where it is told to, as apps do, and does not clean up behind itself. Perl is on every Debian.
 */
const server = `
use strict; use IO::Socket::INET; use IO::Socket::UNIX;
$| = 1; $SIG{CHLD} = "IGNORE"; $SIG{PIPE} = "IGNORE";
my $listen = $ENV{SOCKET} ? IO::Socket::UNIX->new(Local => $ENV{SOCKET}, Listen => 20)
  : IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ENV{PORT}, Listen => 20, ReuseAddr => 1);
die "cannot listen: $!" unless $listen;
print "up\\n";
while (1) {
  my $peer = $listen->accept or next;
  my $line = <$peer> // ""; while (defined(my $head = <$peer>)) { last if $head =~ /^\\r?$/ }
  my ($path) = $line =~ m{^GET /(\\S*)}; $path //= ""; $path =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
  if ($path eq "hog") { my @held; push @held, "x" x 1048576 while 1 }
  local $SIG{CHLD} = "DEFAULT";
  open(my $out, "-|", "/bin/sh", "-c", "exec 2>&1; $path") or die; my $body = join "", <$out>; close $out;
  print $peer "HTTP/1.1 200 OK\\r\\nContent-Length: " . length($body) . "\\r\\nConnection: close\\r\\n\\r\\n$body";
  close $peer;
}
`;

export interface RealEngine {
  readonly engine: LocalEngine;
  readonly host: HostFacts;
  readonly paths: HomePaths;
  /** What apps and commands get as their release's environment. */
  readonly env: Record<string, string>;
  /** An engine like the one of a later daemon. */
  reopen(): Promise<LocalEngine>;
  /** Makes an artifact of the server and these files, and the wish for an instance of it. */
  makeWish(config?: Partial<PartialConfig>, files?: Readonly<Record<string, string>>): Promise<InstanceWish>;
}

let counter = 0;

export async function openRealEngine(
  network: InstanceNetwork | null = null,
  isWeakAccepted = false,
): Promise<RealEngine> {
  const shimPath = findShim();
  if (shimPath === null) throw new Error("bloom-shim is not built");
  const host = await probeHost(`bloomery-test-${process.pid}`);
  const root = await mkdtemp(join(tmpdir(), "bloomery-run-"));
  cleanups.push(() => rm(root, { recursive: true, force: true }));
  cleanups.push(() => sweepGroups(host.cgroups, new Set()));
  const paths = planHome(root);
  await applyHome(paths);
  const env: Record<string, string> = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/tmp" };
  const open = (): LocalEngine => {
    const engine = createLocalEngine({
      paths,
      shimPath,
      preforkPath: join(dirname(shimPath), "bloom-prefork"),
      bwrap: host.bwrap,
      uidBase: isRoot ? uidBase : null,
      cgroups: host.cgroups,
      network,
      isWeakAccepted,
      placeRelay: (id, port) => ({ socket: planRelaySocket(paths.upstreams, id, port), owner: null }),
      describeHolder: findPortHolder,
      environmentOf: () => Promise.resolve(env),
      log: { warn: (fields, words) => console.error(words, fields) },
    });
    cleanups.push(() => engine.close());
    return engine;
  };
  const engine = open();
  return {
    engine,
    host,
    paths,
    env,
    async reopen() {
      await engine.close();
      return open();
    },
    async makeWish(config = {}, files = {}) {
      const artifactDir = join(paths.artifacts, `a${++counter}`);
      for (const [path, body] of Object.entries({ "server.pl": server, ...files })) {
        await mkdir(path.endsWith("/") ? join(artifactDir, path) : dirname(join(artifactDir, path)), {
          recursive: true,
        });
        if (!path.endsWith("/")) await writeFile(join(artifactDir, path), body);
      }
      return {
        id: `i-${process.pid}-${counter}`,
        appName: "probe",
        appSlot: 3,
        environmentId: "env-1",
        releaseId: "rel-1",
        role: "web",
        replica: 0,
        config: makeConfig(config),
        artifactDir,
        mounts: [],
        env,
        runtimeDocument: '{"info":{"limits":{"memory":512}}}',
      };
    },
  };
}

function makeConfig(config: Partial<PartialConfig>): AppConfig {
  return completeConfig({
    ...config,
    web: { start: "exec perl server.pl", graceSeconds: 2, ...config.web },
  });
}

/** Starts an instance that is stopped when the test ends. */
export async function startInstance(engine: Engine, wish: InstanceWish): Promise<Instance> {
  const instance = await engine.start(wish);
  cleanups.push(() => instance.stop(0));
  return instance;
}

/** Starts one and waits until it is ready. */
export async function startReady(engine: Engine, wish: InstanceWish): Promise<Instance> {
  const instance = await startInstance(engine, wish);
  try {
    await waitFor(instance, (status) => status.state === "ready");
  } catch (error) {
    throw new Error(`${String(error)}\n${(await instance.readTail(20)).join("\n")}`, { cause: error });
  }
  return instance;
}

/** Waits for a status; 20 seconds at most. */
export function waitFor(instance: Instance, isWanted: (status: ShimStatus) => boolean): Promise<ShimStatus> {
  return new Promise((resolve, reject) => {
    const judge = (status: ShimStatus): void => {
      if (!isWanted(status)) return;
      clearTimeout(timer);
      unwatch();
      resolve(status);
    };
    const unwatch = instance.watchStatus(judge);
    const timer = setTimeout(() => {
      unwatch();
      reject(new Error(`it did not come to that: ${JSON.stringify(instance.status)}`));
    }, 20_000);
    judge(instance.status);
  });
}

/** Runs a line of `sh` in the app and returns what it printed. */
export function ask(instance: Instance, line: string): Promise<string> {
  const { address } = instance;
  const place =
    address.kind === "unix" ? { socketPath: address.path } : { host: address.address, port: address.port };
  return new Promise((resolve, reject) => {
    const path = `/${encodeURIComponent(line)}`;
    const asked = request({ ...place, path, agent: false, timeout: 30_000 }, (answer) => {
      text(answer).then(resolve, reject);
    });
    asked.once("error", reject);
    asked.end();
  });
}

/** The whole outcome of a command, with this on its standard input. */
export async function finish(
  command: RunningCommand,
  input: string | Buffer = "",
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  command.stdin.end(input);
  const [stdout, stderr, { code }] = await Promise.all([
    text(command.stdout),
    text(command.stderr),
    command.exit,
  ]);
  return { code, stdout, stderr };
}
