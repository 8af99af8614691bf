import { toBloomError } from "@bloomery/contract";
import type { Store } from "../store/open-store.js";

export interface ActivityOrder {
  readonly type: string;
  readonly actor: string;
  readonly description: string;
  readonly orgId?: string;
  readonly appId?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly environment?: string;
}

/** Does `work` and leaves a record of who did it and how it ended. Changes that are deployments record themselves. */
export async function recordActivity<T>(
  store: Store,
  order: ActivityOrder,
  work: () => Promise<T>,
): Promise<T> {
  const activity = await store.activities.create({
    orgId: order.orgId ?? null,
    appId: order.appId ?? null,
    environment: order.environment ?? null,
    type: order.type,
    state: "running",
    actor: order.actor,
    description: order.description,
    parameters: { ...order.parameters },
    deploymentId: null,
  });
  const finish = (state: "succeeded" | "failed", error: unknown): Promise<unknown> =>
    store.activities.update(activity.id, {
      state,
      error: error === null ? null : toBloomError(error).toDocument(),
    });
  try {
    const result = await work();
    await finish("succeeded", null);
    return result;
  } catch (error) {
    await finish("failed", error);
    throw error;
  }
}
