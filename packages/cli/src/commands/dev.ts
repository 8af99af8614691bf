import { createHash } from "node:crypto";
import { BloomError, formatAppRef } from "@bloomery/contract";
import type { Command, Context } from "../command.js";
import { watchProject, type ProjectWatch } from "../project/watch.js";
import { applyDeploy, planDeploy, walkWithCache, type DeployPlan } from "./deploy.js";
import { printLogs } from "./logs.js";
import type { Place } from "./place.js";
import { aboutProject, appNameFlag, locateProject, type Project } from "./project.js";

export const devCommand: Command = {
  name: "dev",
  group: "Deploy",
  summary: "Deploy at every change, and show what the app says",
  about: `The same build, sandbox and routes as a deploy, in an environment of its own. A source that does not build or start\nleaves the last version running. Ctrl-C stops the environment.\n\n${aboutProject}`,
  args: [{ name: "path", about: "the project's folder, or one in it", optional: true }],
  flags: [
    {
      flag: "-a, --app <name>",
      about: "the app, `app` or `org:app`; otherwise the manifest's or project's name",
    },
    { flag: "-e, --environment <name>", about: "the environment", fallback: "dev" },
    appNameFlag,
  ],
  examples: ["bloom dev", "bloom dev services/shop -e ann"],
  async run(context) {
    const project = await locateProject(context);
    const watch = await watchProject(project.root);
    try {
      await develop(calm(context), project, watch);
    } finally {
      watch.close();
    }
  },
};

/** The app's lines come between the phases: nothing is redrawn, and the build's output is shown as it comes. */
function calm(context: Context): Context {
  const { flags, output } = context;
  return {
    ...context,
    flags: { ...flags, wait: true },
    output: { ...output, live: false, verbose: !output.quiet },
  };
}

/** Deploys and waits for a change, again and again, until Ctrl-C; then the environment is stopped. */
async function develop(context: Context, project: Project, watch: ProjectWatch): Promise<void> {
  const { output, signal } = context;
  const began = new Date().toISOString();
  let place: Place | undefined;
  let logs: Promise<void> | undefined;
  try {
    for (;;) {
      const source = await signOf(context, project);
      try {
        const plan = await planDeploy(context, project);
        place = { ...plan.ref, environment: plan.environment };
        await applyDeploy(context, project, plan);
        logs ??= followLogs(context, plan, began);
        output.say("waiting for a change; Ctrl-C stops it");
      } catch (error) {
        if (signal.aborted || !isOfSource(error)) throw error;
        output.error(error);
        output.say(
          logs === undefined ? "waiting for a change" : "the last version goes on; waiting for a change",
        );
      }
      // What does not change the source is no reason to deploy.
      do await watch.next(signal);
      while ((await signOf(context, project)) === source);
      output.say("changed");
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    if (place !== undefined) await stop(context, place);
    if (signal.aborted) await logs;
  }
}

/** What the source consists of, in a word; a tree that cannot be walked is like no other. */
async function signOf({ env, signal }: Context, { root }: Project): Promise<string> {
  const walked = await walkWithCache(root, env, signal).catch((error: unknown) => String(error));
  signal.throwIfAborted();
  const text = typeof walked === "string" ? walked : JSON.stringify(walked.entries);
  return createHash("sha256").update(text).digest("hex");
}

/** Mistakes that the next change may mend; all others end it. */
const mendable: ReadonlySet<string> = new Set([
  "ERR_APP_AMBIGUOUS",
  "ERR_HOOK_FAILED",
  "ERR_HOLD_EXCEEDED",
  "ERR_MANIFEST_INVALID",
  "ERR_NOT_READY",
  "ERR_SHAPE_UNKNOWN",
  "ERR_SHAPE_UNSUPPORTED",
  "ERR_START_FAILED",
]);

function isOfSource(error: unknown): error is BloomError {
  if (!(error instanceof BloomError)) return false;
  return mendable.has(error.code) || /^ERR_(?:BUILD|SOURCE)_/.test(error.code);
}

async function followLogs(context: Context, { ref, environment }: DeployPlan, since: string): Promise<void> {
  try {
    await printLogs(context, { ...ref, environment }, { follow: "true", since });
  } catch (error) {
    context.output.say(`warning: the log cannot be followed: ${(error as Error).message}`);
  }
}

/** Nothing to stop is as good as stopped. */
const stopped: ReadonlySet<string> = new Set(["ERR_NOT_FOUND", "ERR_NOTHING_DEPLOYED", "ERR_APP_STOPPED"]);

async function stop({ client, output }: Context, params: Place): Promise<void> {
  const name = `${formatAppRef(params)} (${params.environment})`;
  try {
    await client().call("stopEnvironment", { params }, { signal: null });
    output.say(`stopped ${name}`);
  } catch (error) {
    const { code = "", message } = error as Partial<BloomError>;
    if (!stopped.has(code)) output.say(`warning: ${name} could not be stopped: ${message ?? ""}`);
  }
}
