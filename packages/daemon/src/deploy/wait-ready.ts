import { BloomError, type AppConfig, type ShimStatus } from "@bloomery/contract";
import type { Instance } from "../run/engines/engine.js";
import { describeExit } from "../run/describe-exit.js";

const tailLines = 20;

/**
 * Resolves with the status when the instance is ready. Rejects with ERR_START_FAILED when it keeps ending or
 * vanishes, with ERR_NOT_READY when its time is over, and with the signal's reason when it aborts. The error's
 * details carry the last lines of the output and the last probe. Does not stop the instance.
 */
export async function waitReady(
  instance: Instance,
  config: AppConfig,
  signal: AbortSignal,
): Promise<ShimStatus> {
  const verdict = await new Promise<"ready" | "crashed" | "timeout" | "gone">((resolve, reject) => {
    const finish = (result: "ready" | "crashed" | "timeout" | "gone"): void => {
      unwatch();
      signal.removeEventListener("abort", abort);
      resolve(result);
    };
    const judge = (status: ShimStatus): void => {
      if (status.state === "ready") finish("ready");
      else if (status.state === "crashed") finish("crashed");
      else if (status.ready_timeout) finish("timeout");
    };
    const abort = (): void => {
      unwatch();
      reject(signal.reason as Error);
    };
    const unwatch = instance.watchStatus(judge);
    signal.addEventListener("abort", abort, { once: true });
    void instance.gone.then(() => finish("gone"));
    if (signal.aborted) abort();
    else judge(instance.status);
  });
  if (verdict === "ready") return instance.status;
  throw await explain(instance, config, verdict);
}

async function explain(
  instance: Instance,
  config: AppConfig,
  verdict: "crashed" | "timeout" | "gone",
): Promise<BloomError> {
  const status = await instance.refresh().catch(() => instance.status);
  const tail = await instance.readTail(tailLines);
  const details = {
    tail,
    probe: status.last_probe,
    listening: status.listening,
    exit: status.last_exit === null ? null : describeExit(status.last_exit, instance.memoryBytes),
    instance: instance.id,
  };
  if (verdict === "timeout") {
    const elsewhere =
      status.listening.length > 0 ? `; it listens on port ${status.listening.join(", ")}` : "";
    return new BloomError(
      "ERR_NOT_READY",
      `the app did not become ready in time: ${status.last_probe ?? "no probe was answered"}${elsewhere}`,
      { hint: planReadyHint(config), details },
    );
  }
  const exit =
    status.last_exit === null
      ? "its parent process vanished"
      : describeExit(status.last_exit, instance.memoryBytes);
  return new BloomError("ERR_START_FAILED", `the app does not stay up: ${exit}`, { details });
}

/** What an app of this config has to do to be ready. */
export function planReadyHint({ shape, tcp, web }: Pick<AppConfig, "shape" | "tcp" | "web">): string {
  const rest = "or raise `[ready] timeout_seconds`; the previous version still serves.";
  if (shape === "web" && web.upstream.socketFamily === "unix")
    return `Listen on the socket whose path is in SOCKET, ${rest}`;
  if (tcp === null) return `Listen on the port given in PORT, ${rest}`;
  const ports = tcp.ports.map(({ targetPort }) => targetPort);
  if (ports.length === 0)
    return `Listen on a port of your choice, and name it in [[tcp]] of bloom.toml when that takes long, ${rest}`;
  return `Listen on ${ports.join(" and ")}, write the port that the program listens on as \`target_port\` in [[tcp]], ${rest}`;
}
