import { BloomError, type AppRef, type DeploymentEvent, type DeploymentView } from "@bloomery/contract";
import type { Context } from "../command.js";
import type { Phases } from "../output/phases.js";

/** Lines of build output shown when the build fails and nobody asked for all of them. */
const tailLines = 30;
const cancelLimitMs = 10_000;

/**
 * Shows a deployment until it has finished and returns it. Ctrl-C cancels it, waits for its end and throws
 * ERR_INTERRUPTED; a deployment that was live already stays live and is returned.
 */
export async function followDeployment(
  context: Context,
  ref: AppRef,
  deployment: DeploymentView,
  phases: Phases,
): Promise<DeploymentView> {
  const client = context.client();
  const params = { org: ref.org, app: ref.app, deployment: deployment.id };
  const giveUp = new AbortController();
  const cancel = (): void => {
    phases.print("cancelling…");
    client.call("cancelDeployment", { params }).catch(() => undefined); // too late: the end says so
    setTimeout(() => giveUp.abort(), cancelLimitMs).unref();
  };
  context.signal.addEventListener("abort", cancel, { once: true });
  if (context.signal.aborted) cancel();
  const build: string[] = [];
  try {
    for await (const event of client.stream("watchDeployment", { params }, { signal: giveUp.signal })) {
      if (event.type === "finished") return finish(context, event.deployment, build, phases);
      show(context, event, build, phases);
    }
  } finally {
    context.signal.removeEventListener("abort", cancel);
    phases.end(false);
  }
  throw new BloomError("ERR_DAEMON_UNREACHABLE", `the daemon went away while ${deployment.id} ran`, {
    hint: `\`bloom status ${ref.app}\` shows what came of it when the daemon is back.`,
  });
}

function finish(
  context: Context,
  deployment: DeploymentView,
  build: readonly string[],
  phases: Phases,
): DeploymentView {
  phases.end(deployment.error === null);
  if (deployment.error?.code === "ERR_BUILD_FAILED" && !context.output.verbose) {
    for (const line of build.slice(-tailLines)) context.output.say(line);
  }
  if (context.signal.aborted && deployment.error !== null) {
    throw new BloomError("ERR_INTERRUPTED", `the deployment ${deployment.id} was cancelled`);
  }
  return deployment;
}

function show(context: Context, event: DeploymentEvent, build: string[], phases: Phases): void {
  const { output } = context;
  switch (event.type) {
    case "phase":
      return phases.enter(event.phase, event.detail);
    case "progress":
      return phases.progress(event.phase, event.done, event.total, event.current);
    case "warning":
      return phases.print(output.paint("yellow", `warning: ${event.message}`));
    case "log":
      if (event.source === "build") build.push(event.text);
      if (event.source !== "build" || output.verbose)
        phases.print(event.source === "app" ? `  | ${event.text}` : event.text);
      return;
    case "stats": {
      const { units, fresh, compiled, rebuilt } = event.stats;
      if (compiled + fresh > 0)
        phases.print(
          `${compiled} crates compiled, ${fresh} fresh${units === null ? "" : `, ${units} in all`} (rustc ${event.toolchain})`,
        );
      for (const { crate, reason } of rebuilt) phases.print(`  ${crate} was rebuilt: ${reason}`);
      return;
    }
    case "finished":
  }
}
