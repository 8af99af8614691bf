import type { AppConfig, CargoConfig, CgroupSpec, ExecSpec } from "@bloomery/contract";
import type { BuildFolders } from "./build-folders.js";
import type { BuildUser } from "./build-user.js";
import { withoutReserved } from "../config/platform-documents.js";
import { planBuildSandbox, type SdkMount, type TargetLayer } from "./plan-build-sandbox.js";

/** Everything that decides how a build runs; nothing else is looked at. */
export interface BuildWish {
  readonly config: AppConfig;
  /** The build's id; names its process in messages. */
  readonly id: string;
  readonly tree: string;
  readonly folders: BuildFolders;
  readonly bwrap: string;
  readonly toolchainDir: string | null;
  /** Null: the daemon is not root and builds as itself. */
  readonly user: BuildUser | null;
  /** The network namespace for steps with network; null: the host's. */
  readonly netns: string | null;
  readonly cgroups: readonly CgroupSpec[];
  /** Bytes of /tmp. */
  readonly tmpBytes: number;
  /** Variables that builds may see, besides the manifest's own. */
  readonly variables: Readonly<Record<string, string>>;
  /** Cargo's target folder, when it lies over a template. */
  readonly targetLayer: TargetLayer | null;
  readonly sdk: SdkMount | null;
  /** The prefork host, for the step that asks it. */
  readonly host?: SdkMount | null;
  /** From 0 to 19; without it that of an ordinary build. */
  readonly nice?: number;
  readonly facts: BuildFacts;
}

/** What every step of one build has in common. */
export type StepSurroundings = Pick<
  BuildWish,
  | "id"
  | "folders"
  | "bwrap"
  | "toolchainDir"
  | "user"
  | "netns"
  | "cgroups"
  | "tmpBytes"
  | "targetLayer"
  | "sdk"
  | "host"
  | "nice"
>;

/** What the source tree says about how cargo has to be called. */
export interface BuildFacts {
  /** One that leaves cargo no choice. */
  readonly hasLockfile: boolean;
  /** Dependencies come from a registry or from git and are not here yet. */
  readonly needsFetch: boolean;
}

/** One command of a build. */
export interface BuildStep {
  readonly phase: "fetch" | "compile";
  /** What the log calls it. */
  readonly title: string;
  readonly spec: ExecSpec;
}

/** Whatever serves comes first. */
const ordinaryNice = 10;

/** A single file larger than this is a build that went wrong; folders are limited by the disk. */
const maxFileBytes = 16 * 1024 ** 3;

/** True when some step of this build talks to the network. */
export function needsNetwork(config: AppConfig, facts: BuildFacts): boolean {
  return config.build.hook !== null || facts.needsFetch;
}

/**
 * The steps of a build; none where cargo has nothing to do. A hook is one step with network, because users download in it. Plain cargo is two:
 * fetching with network but without the project's own code, compiling with the code but without network.
 */
export function planBuild(wish: BuildWish): BuildStep[] {
  const { hook, cargo } = wish.config.build;
  if (hook !== null) {
    return [
      planStep(wish, {
        phase: "compile",
        title: summarize(hook),
        command: ["/bin/sh", "-c", hook],
        online: true,
        env: planBuildEnvironment(wish, true),
      }),
    ];
  }
  const { prefork } = wish.config;
  if (prefork !== null && prefork.source.kind !== "cargo") return [];
  const locked = wish.facts.hasLockfile ? ["--locked"] : [];
  const compile = ["cargo", "build", ...cargoArguments(cargo), ...locked, "--offline"];
  const steps: BuildStep[] = [];
  if (wish.facts.needsFetch) {
    // For all targets: build scripts and macros need the host's dependencies as well.
    const fetch = ["cargo", "fetch", ...locked];
    steps.push(planCargoStep(wish, "fetch", fetch));
  }
  steps.push(planCargoStep(wish, "compile", compile));
  return steps;
}

function planCargoStep(wish: BuildWish, phase: BuildStep["phase"], command: readonly string[]): BuildStep {
  const online = phase === "fetch";
  const env = planBuildEnvironment(wish, online);
  return planStep(wish, { phase, title: command.join(" "), command, online, env });
}

/** One command in the sandbox. */
export function planStep(
  wish: StepSurroundings,
  step: {
    readonly phase: BuildStep["phase"];
    readonly title: string;
    readonly command: readonly string[];
    readonly online: boolean;
    readonly env: Readonly<Record<string, string>>;
    /** Shown as /app; default: the phase's own. */
    readonly appFolder?: "app" | "fetch";
  },
): BuildStep {
  const sandbox = planBuildSandbox({
    bwrap: wish.bwrap,
    staged: wish.user !== null,
    folders: wish.folders,
    appFolder: step.appFolder ?? (step.phase === "fetch" ? "fetch" : "app"),
    targetLayer: wish.targetLayer,
    toolchainDir: wish.toolchainDir,
    sdk: wish.sdk,
    host: wish.host ?? null,
    registryWritable: step.online,
    network: step.online ? "kept" : "none",
    tmpBytes: wish.tmpBytes,
    command: step.command,
  });
  return {
    phase: step.phase,
    title: step.title,
    spec: {
      protocol: 1,
      id: wish.id,
      sandbox: "bwrap",
      command: sandbox.command,
      env: step.env,
      user: wish.user,
      netns: step.online ? wish.netns : null,
      stage: sandbox.stage,
      cgroups: [...wish.cgroups],
      // Only lowered: in a container not even root may raise a limit.
      rlimits: { core: 0, fsize: maxFileBytes },
      nice: wish.nice ?? ordinaryNice,
      seccomp: true,
    },
  };
}

function summarize(hook: string): string {
  const [first = "", ...more] = hook.trim().split("\n");
  return `${first.slice(0, 200)}${more.length > 0 || first.length > 200 ? " …" : ""}`;
}

/** How cargo is to speak; a project may want it otherwise. */
export const cargoVoice = {
  CARGO_TERM_COLOR: "never",
  CARGO_TERM_PROGRESS_WHEN: "always",
  CARGO_TERM_PROGRESS_WIDTH: "100",
  CARGO_TERM_VERBOSE: "true",
} as const;

/** What every cargo finds, whoever's it is; nothing of it may be changed by a project. */
export function planCargoEnvironment(toolchainDir: string | null, online: boolean): Record<string, string> {
  const bin = toolchainDir === null ? [] : ["/rust/bin"];
  return {
    CI: "1",
    HOME: "/home/build",
    USER: "build",
    LOGNAME: "build",
    SHELL: "/bin/sh",
    TMPDIR: "/tmp",
    CARGO_HOME: "/home/build/.cargo",
    PATH: ["/home/build/.cargo/bin", ...bin, "/usr/local/bin", "/usr/bin", "/bin"].join(":"),
    ...(online ? {} : { CARGO_NET_OFFLINE: "true" }),
  };
}

/** What the project's own code finds while it is built. */
export function planBuildEnvironment(
  wish: Pick<BuildWish, "config" | "variables" | "toolchainDir" | "tree">,
  online: boolean,
): Record<string, string> {
  return {
    LANG: "C.UTF-8",
    ...cargoVoice,
    ...withoutReserved(wish.config.variables),
    ...wish.variables,
    ...planCargoEnvironment(wish.toolchainDir, online),
    // The platform itself takes the program or the library out of it.
    ...(wish.config.shape === "web" ? {} : { CARGO_TARGET_DIR: "/app/target" }),
    PLATFORM_APP_DIR: "/app",
    PLATFORM_OUTPUT_DIR: "/app",
    PLATFORM_APPLICATION_NAME: wish.config.name,
    PLATFORM_CACHE_DIR: "/home/build/cache",
    PLATFORM_TREE_ID: wish.tree,
  };
}

function cargoArguments(cargo: CargoConfig): string[] {
  const profile = cargo.profile === "release" ? ["--release"] : [`--profile=${cargo.profile}`];
  return [
    ...profile,
    ...(cargo.features.length === 0 ? [] : [`--features=${cargo.features.join(",")}`]),
    ...(cargo.package === null ? [] : [`--package=${cargo.package}`]),
    ...(cargo.bin === null ? [] : [`--bin=${cargo.bin}`]),
    ...(cargo.target === null ? [] : [`--target=${cargo.target}`]),
  ];
}
