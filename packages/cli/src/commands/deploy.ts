import { setTimeout as delay } from "node:timers/promises";
import {
  BloomError,
  formatAppRef,
  formatProblem,
  parseAppRef,
  parseErrorDocument,
  type AppConfig,
  type AppRef,
  type DeploymentView,
  type Problem,
} from "@bloomery/contract";
import { environmentFlag, type Command, type Context } from "../command.js";
import { createPhases, type Phases } from "../output/phases.js";
import { formatBytes } from "../output/table.js";
import { followDeployment } from "./follow-deployment.js";
import { environmentOf, resolveFolder } from "./place.js";

export const deployCommand: Command = {
  name: "deploy",
  group: "Deploy",
  summary: "Build the project in a folder and make it live",
  about:
    "Only what changed is sent and compiled. The new version starts beside the running one and takes over when it\nis ready; when it does not become ready, the running one stays (exit code 12).",
  args: [{ name: "path", about: "the project's folder", optional: true }],
  flags: [
    { flag: "-a, --app <name>", about: "the app, `app` or `org:app`; otherwise the project's name" },
    environmentFlag,
    { flag: "--wait", about: "wait while another deployment holds the lock" },
    { flag: "--dry-run", about: "say what would be sent and run, change nothing" },
  ],
  examples: ["bloom deploy", "bloom deploy services/shop -a shop -e staging", "bloom deploy --json"],
  run: deploy,
};

async function deploy(context: Context): Promise<void> {
  const { output, flags } = context;
  const { folder, folderName } = await resolveFolder(context.cwd, context.args[0]);
  const environment = environmentOf(context);
  const wanted = typeof flags["app"] === "string" ? parseAppRef(flags["app"]) : undefined;
  const { config, problems } = await checkConfig(context, folder, {
    folderName,
    ...(wanted === undefined ? {} : { appName: wanted.app }),
  });
  const ref: AppRef = wanted ?? parseAppRef(config.name);
  output.say(`${output.paint("bold", formatAppRef(ref))}: ${config.shape} app (${config.detected})`);

  const phases = createPhases(output);
  if (flags["dry-run"] === true) return planOnly(context, { folder, ref, environment, config, problems });
  const began = await send(context, { folder, folderName, ref, environment }, phases);
  const finished = await followDeployment(context, ref, began, phases);
  if (finished.error !== null) throw parseErrorDocument(finished.error);
  const document = {
    app: ref.app,
    org: ref.org,
    environment: finished.environment,
    shape: config.shape,
    version: finished.version,
    deployment: finished.id,
    url: finished.url,
    tcp: null,
    reused: finished.reused,
    timings: finished.timings,
  };
  output.result(document, [finished.url]);
}

/** What a deploy would do, without asking the daemon anything: to ask would already leave something there. */
async function planOnly(
  { output, env, signal }: Context,
  plan: { folder: string; ref: AppRef; environment: string; config: AppConfig; problems: readonly Problem[] },
): Promise<void> {
  const { folder, ref, environment, config, problems } = plan;
  const project = await walk(folder, env, signal);
  const count = project.entries.length;
  output.result({ ...ref, environment, files: count, bytes: project.bytes, config, problems }, [
    `would send what is new of ${count} files (${formatBytes(project.bytes)})`,
    `would build ${config.build.hook === null ? "with cargo" : "with the project's own command"} and start: ${config.web.start}`,
  ]);
}

/** Reads and checks the project's files; prints what was noticed. Throws ERR_MANIFEST_INVALID with all mistakes. */
async function checkConfig(
  { output }: Context,
  folder: string,
  options: { folderName: string; appName?: string },
): Promise<{ config: AppConfig; problems: readonly Problem[] }> {
  const { loadConfig, openProjectFolder, toConfigError } = await import("@bloomery/daemon/config");
  const { config, problems } = loadConfig(openProjectFolder(folder), options);
  if (config === null) throw toConfigError(problems);
  for (const problem of problems) output.say(output.paint("yellow", formatProblem(problem)));
  return { config, problems };
}

/** Uploads what the daemon lacks and begins the deployment. Until that, Ctrl-C leaves nothing behind. */
async function send(
  context: Context,
  source: { folder: string; folderName: string; ref: AppRef; environment: string },
  phases: Phases,
): Promise<DeploymentView> {
  const { output, env, signal } = context;
  const { folder, folderName, ref, environment } = source;
  const client = context.client();
  const start = performance.now();
  phases.enter("upload");
  try {
    const { uploadProject } = await import("../project/upload.js");
    const project = await walk(folder, env, signal);
    const sent = await uploadProject(client, ref, project, (done, total) =>
      phases.progress("upload", done, total),
    );
    const uploadMs = Math.round(performance.now() - start);
    const count = `${sent.sentFiles} of ${project.entries.length} files`;
    if (output.verbose) phases.print(`sent ${count}, ${formatBytes(sent.sentBytes)}`);
    return await begin(context, { ...ref, environment }, { tree: sent.tree, folderName, uploadMs });
  } catch (error) {
    phases.end(false);
    if (!signal.aborted) throw error;
    throw new BloomError("ERR_INTERRUPTED", "interrupted before anything was deployed", { cause: error });
  }
}

async function walk(folder: string, env: NodeJS.ProcessEnv, signal: AbortSignal) {
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
  body: { tree: string; folderName: string; uploadMs: number },
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
