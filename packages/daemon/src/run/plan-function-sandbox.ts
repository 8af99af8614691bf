import { planSandbox, type SandboxPlan, type SandboxWish } from "../build/sandbox/plan-sandbox.js";

/** What the build of a function puts into its artifact. */
export const functionCommand: readonly string[] = ["/app/function"];

/** The same for all: a sandbox may have been made before it was known for which function. */
export const functionHostname = "function";

/** How long a handler's program may take until it says that it is ready: it has nothing to do but to begin. */
export const functionReadyMs = 10_000;
/** Records of executions, about 250 bytes each, which are taken in long before the oldest file goes. */
export const functionRecords = { max_bytes: 16 * 1_048_576, files: 4 };

export const functionReady = { kind: "message", timeout_ms: functionReadyMs } as const;

/** The sandbox of any function. */
export function planFunctionSandbox(
  wish: Omit<SandboxWish, "cwd" | "hostname">,
  facts: { readonly staged: boolean; readonly bwrap: string },
): SandboxPlan {
  return planSandbox({ ...wish, cwd: "/app", hostname: functionHostname }, facts);
}
