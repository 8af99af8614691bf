import { setTimeout as delay } from "node:timers/promises";
import {
  BloomError,
  formatAppRef,
  formatProblem,
  parseAppRef,
  type AppConfig,
  type ApiRoutes,
  type AppRef,
  type DeploymentView,
  type Problem,
  type RouteInput,
} from "@bloomery/contract";
import { environmentFlag, type Command, type Context } from "../command.js";
import { createPhases, type Phases } from "../output/phases.js";
import { formatBytes } from "../output/table.js";
import { assertLive, followDeployment } from "./follow-deployment.js";
import { planStrategy, strategyFlag } from "./parse-flag.js";
import type { WalkedProject } from "../project/walk.js";
import { environmentOf, listUrls } from "./place.js";
import { aboutProject, appNameFlag, checkProject, locateProject, type Project } from "./project.js";

export const deployCommand: Command = {
  name: "deploy",
  group: "Deploy",
  summary: "Build the project in a folder and make it live",
  about: `Only what changed is sent and compiled. The new version starts beside the running one and takes over when it\nis ready; when it does not become ready, the running one stays (exit code 12). The hooks deploy (before the switch)\nand post_deploy (after it) run for each new version.\n\n${aboutProject}`,
  args: [{ name: "path", about: "the project's folder, or one in it", optional: true }],
  flags: [
    {
      flag: "-a, --app <name>",
      about: "the app, `app` or `org:app`; otherwise the manifest's or project's name",
    },
    environmentFlag,
    appNameFlag,
    strategyFlag,
    { flag: "--wait", about: "wait while another deployment holds the lock" },
    { flag: "--dry-run", about: "say what would be sent and run, change nothing" },
  ],
  examples: [
    "bloom deploy",
    "bloom deploy services/shop -a shop -e staging",
    "bloom deploy --app-name shop --strategy stopstart",
    "bloom deploy --json",
  ],
  async run(context) {
    await deployProject(context, await locateProject(context));
  },
};

/** What a deploy will do, known before anything is sent. */
export interface DeployPlan {
  readonly ref: AppRef;
  readonly environment: string;
  readonly config: AppConfig;
  readonly problems: readonly Problem[];
  /** As a part of the request: empty unless --strategy names one. */
  readonly strategy: { readonly strategy?: "rolling" | "stopstart" };
}

/** Deploys a project as the flags say and prints the result. */
export async function deployProject(context: Context, project: Project): Promise<void> {
  const plan = await planDeploy(context, project);
  return context.flags["dry-run"] === true
    ? planOnly(context, project, plan)
    : applyDeploy(context, project, plan);
}

/** Reads the project and the flags, and says what was found. Throws ERR_MANIFEST_INVALID with all mistakes. */
export async function planDeploy(context: Context, project: Project): Promise<DeployPlan> {
  const { output, flags } = context;
  const environment = environmentOf(context);
  const strategy = planStrategy(flags);
  const wanted = typeof flags["app"] === "string" ? parseAppRef(flags["app"]) : undefined;
  const named = wanted === undefined ? {} : { appName: wanted.app };
  const { config, problems } = await checkProject(context, project, named);
  const ref: AppRef = wanted ?? parseAppRef(config.name);
  output.say(`${output.paint("bold", formatAppRef(ref))}: ${config.shape} app (${config.detected})`);
  return { ref, environment, config, problems, strategy };
}

/** Sends the project, follows its deployment and prints where it is live. Throws what it failed with. */
export async function applyDeploy(context: Context, project: Project, plan: DeployPlan): Promise<void> {
  const { output } = context;
  const { ref, config } = plan;
  const phases = createPhases(output);
  const began = await send(context, project, plan, phases);
  const said = new Set(plan.problems.map(formatProblem));
  const finished = await followDeployment(context, ref, began, phases, said);
  assertLive(context, finished);
  const document = {
    app: ref.app,
    org: ref.org,
    environment: finished.environment,
    shape: config.shape,
    version: finished.version,
    deployment: finished.id,
    url: finished.url,
    tcp: finished.tcp,
    reused: finished.reused,
    timings: finished.timings,
  };
  output.result(document, listUrls(finished));
}

/** What a deploy would do, without asking the daemon anything: to ask would already leave something there. */
async function planOnly(
  { output, env, signal }: Context,
  { root }: Project,
  plan: DeployPlan,
): Promise<void> {
  const { ref, environment, config, problems } = plan;
  const { strategy = config.deploy.strategy } = plan.strategy;
  const project = await walkWithCache(root, env, signal);
  const count = project.entries.length;
  const { hooks, build, web } = config;
  const named = [hooks.deploy === null ? "" : "deploy", hooks.postDeploy === null ? "" : "post_deploy"];
  const why = plan.strategy.strategy === undefined ? config.deploy.strategyReason : "--strategy";
  output.result({ ...ref, environment, files: count, bytes: project.bytes, strategy, config, problems }, [
    `would send what is new of ${count} files (${formatBytes(project.bytes)}) in ${root}`,
    `would build ${build.hook === null ? "with cargo" : "with the project's own command"} and start: ${web.start}`,
    `would run the hooks: ${named.filter((name) => name !== "").join(", ") || "none"}; strategy ${strategy} (${why})`,
  ]);
}

/** Uploads what the daemon lacks and begins the deployment. Until that, Ctrl-C leaves nothing behind. */
async function send(
  context: Context,
  { root, ...where }: Project,
  { ref, environment, strategy }: DeployPlan,
  phases: Phases,
): Promise<DeploymentView> {
  const { output, env, signal } = context;
  const client = context.client();
  const start = performance.now();
  phases.enter("upload");
  try {
    const { uploadProject } = await import("../project/upload.js");
    const project = await walkWithCache(root, env, signal);
    const sent = await uploadProject(client, ref, project, (done, total) =>
      phases.progress("upload", done, total),
    );
    const uploadMs = Math.round(performance.now() - start);
    const count = `${sent.sentFiles} of ${project.entries.length} files`;
    if (output.verbose) phases.print(`sent ${count}, ${formatBytes(sent.sentBytes)}`);
    return await begin(
      context,
      { ...ref, environment },
      { tree: sent.tree, uploadMs, ...where, ...strategy },
    );
  } catch (error) {
    phases.end(false);
    if (!signal.aborted) throw error;
    throw new BloomError("ERR_INTERRUPTED", "interrupted before anything was deployed", { cause: error });
  }
}

/** The project's source; contents that have not changed since the last time are not read again. */
export async function walkWithCache(
  folder: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<WalkedProject> {
  const [{ openHashCache }, { walkProject }] = await Promise.all([
    import("../project/hash-cache.js"),
    import("../project/walk.js"),
  ]);
  const cache = await openHashCache(folder, env);
  const project = await walkProject(folder, cache, signal);
  await cache.save();
  return project;
}

/** Asks for the deployment; with --wait as long as somebody else holds the lock. */
async function begin(
  { client, flags, output, signal }: Context,
  params: { org: string; app: string; environment: string },
  body: RouteInput<ApiRoutes["createDeployment"]>["body"],
): Promise<DeploymentView> {
  for (let told = false; ; told = true) {
    signal.throwIfAborted();
    try {
      // Never broken off: we would not know whether there is a deployment to cancel.
      return await client().call("createDeployment", { params, body }, { signal: null });
    } catch (error) {
      const isLocked = error instanceof BloomError && error.code === "ERR_DEPLOY_LOCKED";
      if (!isLocked || flags["wait"] !== true) throw error;
      if (!told) output.say(`waiting: ${error.message}`);
      await delay(500, undefined, { signal });
    }
  }
}
