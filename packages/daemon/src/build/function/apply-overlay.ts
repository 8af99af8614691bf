import type { SourceStore } from "../source-store.js";
import type { OverlayPlan } from "./plan-overlay.js";

/**
 * Keeps what a build works on as a source tree of its own: the code with the plan's files over it. The tree of the
 * code itself stays as it was sent, and is what people get back.
 */
export async function applyOverlay(
  store: Pick<SourceStore, "layOver">,
  tree: string,
  plan: Pick<OverlayPlan, "files">,
): Promise<{ readonly tree: string }> {
  return store.layOver(tree, plan.files);
}
