import { basename, resolve } from "node:path";
import { stat } from "node:fs/promises";
import { loadConfig, openProjectFolder, toConfigError } from "@bloomery/daemon/config";
import {
  BloomError,
  formatAppRef,
  formatProblem,
  parseAppRef,
  parseErrorDocument,
  type AppConfig,
  type AppRef,
  type DeploymentView,
} from "@bloomery/contract";
import { environmentFlag, type Command, type Context } from "../command.js";
import { createPhases } from "../output/phases.js";
import { formatBytes } from "../output/table.js";
import { openHashCache } from "../project/hash-cache.js";
import { uploadProject } from "../project/upload.js";
import { walkProject } from "../project/walk.js";
import { followDeployment } from "./follow-deployment.js";

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
  const { output, flags, signal } = context;
  const folder = resolve(context.args[0] ?? ".");
  const isFolder = await stat(folder).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new BloomError("ERR_INVALID_ARGUMENT", `${folder} is not a folder`);
  const wanted = typeof flags["app"] === "string" ? parseAppRef(flags["app"]) : undefined;
  const config = checkConfig(context, folder, wanted?.app);
  const ref: AppRef = wanted ?? parseAppRef(config.name);
  output.say(`${output.paint("bold", formatAppRef(ref))}: ${config.shape} app (${config.detected})`);

  const began = performance.now();
  const phases = createPhases(output);
  phases.enter("upload");
  const cache = await openHashCache(folder, process.env);
  const project = await walkProject(folder, cache);
  await cache.save();
  if (flags["dry-run"] === true) {
    phases.end(true);
    const plan = {
      app: ref.app,
      org: ref.org,
      environment: flags["environment"],
      files: project.entries.length,
      bytes: project.bytes,
      config,
    };
    return output.result(plan, [
      `would send at most ${project.entries.length} files (${formatBytes(project.bytes)}), start: ${config.web.start}`,
    ]);
  }
  const client = context.client();
  let deployment: DeploymentView;
  try {
    const sent = await uploadProject(client, ref, project, signal);
    const uploadMs = Math.round(performance.now() - began);
    output.detail(
      `sent ${sent.sentFiles} of ${project.entries.length} files, ${formatBytes(sent.sentBytes)}`,
    );
    signal.throwIfAborted();
    deployment = await begin(context, ref, { tree: sent.tree, folderName: basename(folder), uploadMs });
  } catch (error) {
    phases.end(false);
    throw error;
  }
  const finished = await followDeployment(context, ref, deployment, phases);
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
  if (finished.error !== null) throw parseErrorDocument(finished.error);
  output.result(document, [finished.url]);
}

function checkConfig(context: Context, folder: string, appName: string | undefined): AppConfig {
  const files = openProjectFolder(folder);
  const options = { folderName: basename(folder), ...(appName === undefined ? {} : { appName }) };
  const { config, problems } = loadConfig(files, options);
  if (config === null) throw toConfigError(problems);
  for (const problem of problems) context.output.say(context.output.paint("yellow", formatProblem(problem)));
  return config;
}

/** Asks for the deployment; with --wait as long as somebody else holds the lock. */
async function begin(
  context: Context,
  ref: AppRef,
  body: { tree: string; folderName: string; uploadMs: number },
): Promise<DeploymentView> {
  const environment = String(context.flags["environment"] ?? "main");
  for (let told = false; ; told = true) {
    try {
      const params = { ...ref, environment };
      return await context.client().call("createDeployment", { params, body }, { signal: context.signal });
    } catch (error) {
      const locked = error instanceof BloomError && error.code === "ERR_DEPLOY_LOCKED";
      if (!locked || context.flags["wait"] !== true) throw error;
      if (!told) context.output.say(`waiting: ${error.message}`);
      await new Promise((retry) => setTimeout(retry, 500));
      context.signal.throwIfAborted();
    }
  }
}
