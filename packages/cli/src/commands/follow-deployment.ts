import {
  BloomError,
  parseErrorDocument,
  type AppRef,
  type DeploymentEvent,
  type DeploymentView,
  type DeployPhase,
} from "@bloomery/contract";
import type { Client } from "../client.js";
import type { Context } from "../command.js";
import type { Phases } from "../output/phases.js";

/** Lines of build output shown when the build fails and nobody asked for all of them. */
const tailLines = 30;
/** How long a cancelled deployment may take to end before we leave it to the daemon. */
const cancelLimitMs = 10_000;

/**
 * Shows a deployment until it has finished and returns it; its `error` is the caller's to throw. Ctrl-C cancels
 * it, waits for its end and throws ERR_INTERRUPTED; one that was live already stays live and is returned. Warnings
 * that were `said` before are not shown again.
 */
export async function followDeployment(
  context: Context,
  ref: AppRef,
  deployment: DeploymentView,
  phases: Phases,
  said: ReadonlySet<string> = new Set(),
): Promise<DeploymentView> {
  const client = context.client();
  const params = { org: ref.org, app: ref.app, deployment: deployment.id };
  const giveUp = new AbortController();
  const cancelling = watchInterrupt(context, client, params, phases, giveUp);
  const build: string[] = [];
  try {
    for await (const event of client.stream("watchDeployment", { params }, { signal: giveUp.signal })) {
      if (event.type === "finished") return finish(context, event.deployment, build, phases);
      if (event.type === "log" && event.source === "build") keepLast(build, event.text);
      if (event.type === "warning" && said.has(event.message)) continue;
      show(context, event, phases);
    }
  } finally {
    cancelling.end();
    phases.end(false);
  }
  throw new BloomError("ERR_DAEMON_UNREACHABLE", `the daemon went away while ${deployment.id} ran`, {
    hint: `\`bloom status ${ref.app}\` shows what came of it when the daemon is back.`,
  });
}

/** Throws what a finished deployment failed with. */
export function assertLive({ output }: Pick<Context, "output">, finished: DeploymentView): void {
  if (finished.error === null) return;
  if (finished.state === "live") {
    output.say(`version ${finished.version} is live at ${finished.url} all the same`);
  }
  throw parseErrorDocument(finished.error);
}

/** At Ctrl-C the deployment is cancelled; when that takes too long, `giveUp` ends the waiting. */
function watchInterrupt(
  { signal }: Context,
  client: Client,
  params: { org: string; app: string; deployment: string },
  phases: Phases,
  giveUp: AbortController,
): { end(): void } {
  let timer: NodeJS.Timeout | undefined;
  const cancel = (): void => {
    phases.print("cancelling…");
    // Too late to cancel? The deployment's end says so.
    client.call("cancelDeployment", { params }, { signal: null }).catch(() => undefined);
    timer = setTimeout(() => {
      const message = `the deployment ${params.deployment} was told to stop, but has not after ${cancelLimitMs / 1000} s`;
      const hint = `\`bloom status ${params.app}\` shows what came of it.`;
      giveUp.abort(new BloomError("ERR_INTERRUPTED", message, { hint }));
    }, cancelLimitMs);
  };
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
  return {
    end() {
      clearTimeout(timer);
      signal.removeEventListener("abort", cancel);
    },
  };
}

function finish(
  context: Context,
  deployment: DeploymentView,
  build: readonly string[],
  phases: Phases,
): DeploymentView {
  const { error } = deployment;
  // What went wrong with one that is live was said when it happened.
  phases.end(error === null || deployment.state === "live");
  const isInterrupted = context.signal.aborted;
  if (isInterrupted && error !== null) {
    throw new BloomError("ERR_INTERRUPTED", `the deployment ${deployment.id} was cancelled`);
  }
  if (isInterrupted) context.output.say("too late to cancel: it is live already");
  const isBuildError = error?.code.startsWith("ERR_BUILD_") === true;
  if (isBuildError && !context.output.verbose) for (const line of build) context.output.say(`  | ${line}`);
  return deployment;
}

function keepLast(lines: string[], text: string): void {
  lines.push(text);
  if (lines.length > tailLines) lines.shift();
}

const spokenPhases: Partial<Record<DeployPhase, string>> = {
  hold: "hold requests",
  deploy_hook: "deploy hook",
  post_deploy_hook: "post_deploy hook",
};

function nameOf(phase: DeployPhase): string {
  return spokenPhases[phase] ?? phase;
}

/** A warning about a file says that it is one after the place. */
function markWarning(message: string): string {
  return /^\S+:\d+:\d+ warning: /.test(message) ? message : `warning: ${message}`;
}

function show({ output }: Context, event: DeploymentEvent, phases: Phases): void {
  switch (event.type) {
    case "phase":
      return phases.enter(nameOf(event.phase), event.detail);
    case "progress":
      return phases.progress(nameOf(event.phase), event.done, event.total, event.current);
    case "warning":
      phases.print(output.paint("yellow", markWarning(event.message)));
      if (event.failed === true) phases.end(false);
      return;
    case "log":
      if (event.source === "app" || event.source === "hook") return phases.print(`  | ${event.text}`);
      if (event.source === "platform" || output.verbose) phases.print(event.text);
      return;
    case "stats": {
      const { units, fresh, compiled, rebuilt } = event.stats;
      const all = units === null ? "" : `, ${units} in all`;
      if (compiled + fresh > 0) {
        phases.print(
          `${compiled} ${compiled === 1 ? "crate" : "crates"} compiled, ${fresh} fresh${all} (rustc ${event.toolchain})`,
        );
      }
      for (const { crate, reason } of rebuilt) phases.print(`  ${crate} was rebuilt: ${reason}`);
      return;
    }
    case "finished":
  }
}
