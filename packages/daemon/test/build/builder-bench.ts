import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AppConfig, CgroupSpec } from "@bloomery/contract";
import { onTestFinished } from "vitest";
import { openArtifactStore, type ArtifactStore } from "../../src/build/artifact-store.js";
import {
  createBuilder,
  type BuildEvent,
  type BuildNetwork,
  type BuildResult,
  type Builder,
  type BuilderDeps,
  type BuiltArtifact,
} from "../../src/build/builder.js";
import { openSdk } from "../../src/build/function/sdk.js";
import { planToolchainPlaces } from "../../src/build/list-toolchains.js";
import { openHost } from "../../src/build/prefork/host.js";
import { preforkSdk } from "../../src/build/prefork/sdk.js";
import { createToolchainResolver } from "../../src/build/resolve-toolchain.js";
import { openSourceStore, type SourceStore } from "../../src/build/source-store.js";
import { openTemplates, type Templates } from "../../src/build/templates/open-templates.js";
import { planCgroupLayout, planCgroups } from "../../src/run/plan-cgroups.js";
import { findShim, makeConfig, makeTempDir } from "./helpers.js";

export const isRoot = process.getuid?.() === 0;

/** The platform's own crates. */
export const crates = fileURLToPath(new URL("../../../../crates", import.meta.url));

/** uids far from those of a real daemon on the same machine, and of other tests. */
const uidBase = 1_950_000_000 + (process.pid % 10_000) * 1000;
let nextSlot = 1;

export interface BuilderBench {
  readonly home: string;
  readonly sources: SourceStore;
  readonly artifacts: ArtifactStore;
  readonly deps: BuilderDeps;
  readonly builder: Builder;
  readonly templates: Templates;
  readonly work: string;
  /** The uid of the bench's builds; null without root. */
  readonly uid: number | null;
  readonly logFile: string;
  readonly cgroups: readonly CgroupSpec[];
  build(
    tree: string,
    options?: BuildOptions,
  ): Promise<BuildResult & { readonly events: readonly BuildEvent[] }>;
}

export interface BuildOptions {
  readonly config?: AppConfig;
  readonly variables?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: BuildEvent) => void;
  /** Default: the bench's first app. */
  readonly app?: BenchApp;
}

/** An app with uids of its own. */
export interface BenchApp {
  readonly id: string;
  readonly slot: number;
}

export function makeApp(id: string): BenchApp {
  return { id, slot: nextSlot++ };
}

/** A whole builder on a temporary home, with the real shim, bubblewrap and cargo. */
export async function openBuilder(
  options: {
    asRoot?: boolean;
    timeLimitSeconds?: number;
    memoryBytes?: number;
    bwrap?: string;
    tmpBytes?: number;
    /** The host's own, for builds that download. Default: as root a network that leads nowhere. */
    network?: "host";
    /** The crates that functions are built with. Default: the platform's. */
    sdk?: string;
    /** The program that serves prefork apps. */
    host?: string;
  } = {},
): Promise<BuilderBench> {
  const asRoot = options.asRoot ?? isRoot;
  const home = await makeTempDir();
  const shimPath = findShim();
  if (shimPath === null) throw new Error("bloom-shim is not built");
  for (const folder of ["sources", "artifacts", "build-cache", "sdk", "sdk-prefork", "log"])
    await mkdir(join(home, folder));
  const sources = await openSourceStore(join(home, "sources"));
  const artifacts = await openArtifactStore(join(home, "artifacts"));
  const known = new Map<string, BuiltArtifact>();
  const first = makeApp("app-1");
  const templates = openTemplates(join(home, "build-cache"));
  const cgroups = asRoot ? planTestGroups(options.memoryBytes ?? 2 * 1024 ** 3) : [];
  const env = { ...process.env, HOME: homedir() };
  const deps: BuilderDeps = {
    home,
    shimPath,
    sourceStore: sources,
    artifactStore: artifacts,
    toolchains: createToolchainResolver({ places: planToolchainPlaces(env), env: { PATH: "" } }),
    templates,
    sdk: () => openSdk(options.sdk ?? crates, join(home, "sdk")),
    preforkSdk: () => openSdk(options.sdk ?? crates, join(home, "sdk-prefork"), preforkSdk),
    preforkHost: () => openHost(options.host ?? "/nonexistent"),
    isRoot: asRoot,
    uidBase,
    findReusable: (key) => Promise.resolve(known.get(key) ?? null),
    allocateNetwork: () => Promise.resolve(asRoot && options.network !== "host" ? makeNetwork() : null),
    cgroupsFor: (id) =>
      !asRoot || id === `bld-${first.id}` ? cgroups : planTestGroups(options.memoryBytes ?? 2 * 1024 ** 3),
    settings: {
      timeLimitSeconds: options.timeLimitSeconds ?? 100,
      bwrap: options.bwrap ?? "/usr/bin/bwrap",
      ...(options.tmpBytes === undefined ? {} : { tmpBytes: options.tmpBytes }),
    },
  };
  const builder = createBuilder(deps);
  const logFile = join(home, "log/build.log");
  return {
    home,
    sources,
    artifacts,
    deps,
    builder,
    templates,
    logFile,
    cgroups,
    work: join(home, "build-cache/app-1/app"),
    uid: asRoot ? uidBase + 2 * first.slot + 1 : null,
    async build(tree, build = {}) {
      const events: BuildEvent[] = [];
      const app = build.app ?? first;
      const result = await builder.build({
        id: `bld-${app.id}`,
        appId: app.id,
        orgId: "org-1",
        appSlot: app.slot,
        tree,
        config: build.config ?? makeConfig(),
        variables: build.variables ?? {},
        logFile: app === first ? logFile : join(home, `log/${app.id}.log`),
        signal: build.signal ?? new AbortController().signal,
        onEvent(event) {
          events.push(event);
          build.onEvent?.(event);
        },
      });
      known.set(result.key, result.artifact);
      return { ...result, events };
    },
  };
}

/** A namespace with nothing but its own loopback. */
function makeNetwork(): BuildNetwork {
  const name = `bl-t${randomBytes(4).toString("hex")}`;
  execFileSync("ip", ["netns", "add", name]);
  let isThere = true;
  const release = (): Promise<void> => {
    if (isThere) execFileSync("ip", ["netns", "del", name]);
    isThere = false;
    return Promise.resolve();
  };
  onTestFinished(release);
  return { netns: `/run/netns/${name}`, release };
}

function planTestGroups(memoryBytes: number): readonly CgroupSpec[] {
  const layout = planCgroupLayout({
    selfCgroup: readFileSync("/proc/self/cgroup", "utf8"),
    mountinfo: readFileSync("/proc/self/mountinfo", "utf8"),
    isRoot: true,
    group: `bloomery-test-${randomBytes(4).toString("hex")}`,
  });
  const groups = planCgroups(layout, "build", { memoryBytes, cpu: null, pids: 256, weight: 20 });
  onTestFinished(() => {
    for (const group of groups) {
      for (const path of [group.path, dirname(group.path)]) if (existsSync(path)) rmdirSync(path);
    }
  });
  return groups;
}

/** Processes whose command line holds this mark. */
export function findMarked(mark: string): string[] {
  const pids = execFileSync("ls", ["/proc"], { encoding: "utf8" })
    .split("\n")
    .filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(mark);
    } catch {
      return false;
    }
  });
}

/** A number of seconds to sleep that nothing else on the machine sleeps. */
export function makeMark(): string {
  return `7${String(randomBytes(4).readUInt32BE()).padStart(10, "0")}`;
}
