import { parseErrorDocument } from "@bloomery/contract";
import type { EventHub } from "../deploy/events.js";

/** Waits for the end of a deployment and throws its error; for answers that are given when it is live. */
export async function waitFinished(
  { hub }: { readonly hub: Pick<EventHub, "watch"> },
  deployment: string,
  signal: AbortSignal,
): Promise<void> {
  for await (const event of hub.watch(deployment, signal)) {
    if (event.type === "finished" && event.deployment.error !== null) {
      throw parseErrorDocument(event.deployment.error);
    }
  }
}
