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
  const finish = await beginActivity(store, order);
  try {
    const result = await work();
    await finish("succeeded");
    return result;
  } catch (error) {
    await finish("failed", error);
    throw error;
  }
}

/** Says how an activity ended. */
export type FinishActivity = (
  state: "succeeded" | "failed" | "cancelled",
  error?: unknown,
) => Promise<unknown>;

/** Records what is under way; for work that is a stream. */
export async function beginActivity(store: Store, order: ActivityOrder): Promise<FinishActivity> {
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
  return (state, error) =>
    store.activities.update(activity.id, {
      state,
      error: error === undefined ? null : toBloomError(error).toDocument(),
    });
}
