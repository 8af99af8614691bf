import { createClient } from "../client.js";
import type { Context } from "../command.js";
import { readAdminToken } from "../settings.js";
import { deployExamples } from "./deploy-examples.js";
import { launchDaemon, type LaunchedDaemon } from "./launch-daemon.js";

/** Flags of `server start` that are the daemon's own. */
const passedFlags = [
  "api-port",
  "http-port",
  "http-address",
  "tcp-address",
  "base-domain",
  "database",
  "network",
  "weak-isolation",
  "log-level",
  "build-time-limit",
  "execution-days",
  "execution-count",
] as const;

/**
 * Starts the daemon. In the foreground it stays until the daemon ends and returns its exit code; Ctrl-C stops the
 * daemon with all apps, TERM only the daemon. With --detach it returns when the daemon is ready.
 */
export async function startServer(context: Context): Promise<number> {
  const { flags, settings } = context;
  const isDetached = flags["detach"] === true;
  const argv = passedFlags.flatMap((flag) => {
    const value = flags[flag];
    return typeof value === "string" ? [`--${flag}`, value] : [];
  });
  const daemon = launchDaemon(["--home", settings.home, ...argv], {
    env: context.env,
    logHome: isDetached ? settings.home : undefined,
  });
  const release = passSignals(context, daemon);
  try {
    await introduce(context, daemon, isDetached);
    if (isDetached) {
      daemon.letGo();
      return 0;
    }
    return await daemon.ended;
  } catch (error) {
    // What we started does not stay behind half introduced.
    daemon.signal("SIGINT");
    await daemon.ended;
    throw error;
  } finally {
    release();
  }
}

/** The daemon has a process group of its own, so that a terminal's Ctrl-C reaches it only through us. */
function passSignals({ signal }: Context, daemon: LaunchedDaemon): () => void {
  // A daemon that is only just starting would die half-way at a signal: it is told when it is ready.
  const interrupt = (): void => void daemon.ready.then(() => daemon.signal("SIGINT")).catch(() => undefined);
  const terminate = (): void => void daemon.ready.then(() => daemon.signal("SIGTERM")).catch(() => undefined);
  // The second Ctrl-C ends this process at once, the daemon with it while it starts.
  const abandon = (): void => {
    if (!daemon.isReady()) daemon.signal("SIGTERM");
  };
  if (signal.aborted) interrupt();
  else signal.addEventListener("abort", interrupt, { once: true });
  process.on("SIGTERM", terminate);
  process.on("exit", abandon);
  return () => {
    signal.removeEventListener("abort", interrupt);
    process.off("SIGTERM", terminate);
    process.off("exit", abandon);
  };
}

/** Waits until the daemon is ready, deploys examples where asked to, and says where everything is. */
async function introduce(context: Context, daemon: LaunchedDaemon, isDetached: boolean): Promise<void> {
  const { flags, output, settings, signal } = context;
  const ready = await daemon.ready;
  const client = createClient({ api: ready.apiUrl, token: readAdminToken(settings.home), signal });
  try {
    const status = await client.call("getStatus", {});
    const examples = flags["deploy-examples"];
    const urls = typeof examples === "string" ? await deployExamples(context, client, examples) : [];
    output.result({ ...ready, urls, home: status.home }, [
      `Bloomery is running (pid ${status.pid}).`,
      `  API   ${status.apiUrl}`,
      `  apps  http://<app>-<org>.${status.baseDomain}:${status.httpPort}/`,
      ...urls.map((url) => `        ${url}`),
      isDetached ? "Stop it with: bloom server stop" : "Ctrl-C stops it, with everything that runs on it.",
    ]);
  } catch (error) {
    // Ctrl-C meanwhile: the daemon is ending, and that is all there is to say.
    if (!signal.aborted) throw error;
  } finally {
    await client.close();
  }
}
