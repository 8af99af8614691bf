import {
  newId,
  toBloomError,
  type DeploymentKind,
  type DeploymentState,
  type DeploymentView,
  type BloomError,
} from "@bloomery/contract";
import type { Deployment } from "../store/deployments.js";
import type { EventHub } from "./events.js";
import type { Job, Jobs } from "./jobs.js";
import { lockEnvironment, type LockParts } from "./environment-lock.js";
import { namesOf, type Place } from "./places.js";
import type { Walk } from "./walk.js";

export interface DeploymentDeps extends LockParts {
  readonly hub: EventHub;
  readonly jobs: Jobs;
  readonly view: (row: Deployment) => Promise<DeploymentView>;
  readonly log: { error(fields: object, text: string): void };
}

export interface DeploymentOrder {
  readonly kind: DeploymentKind;
  readonly place: Place;
  readonly actor: string;
  readonly description: string;
  readonly tree?: string;
  readonly uploadMs?: number;
  /** Runs in the background, with the lock held. */
  readonly work: (walk: Walk, row: Deployment) => Promise<void>;
}

/**
 * Begins one deployment: takes the environment's lock, writes the deployment and its activity, then works in
 * the background. Answers as soon as it has begun; ERR_DEPLOY_LOCKED says who holds the lock.
 */
export async function beginDeployment(deps: DeploymentDeps, order: DeploymentOrder): Promise<Deployment> {
  const { store } = deps;
  const id = newId("deployment");
  const unlock = await lockEnvironment(deps, order.place, {
    actor: order.actor,
    what: order.kind,
    deployment: id,
  });
  try {
    const row = await store.deployments.create({
      id,
      environmentId: order.place.environment.id,
      kind: order.kind,
      createdBy: order.actor,
      ...(order.tree === undefined ? {} : { tree: order.tree }),
    });
    const names = namesOf(order.place);
    const activity = await store.activities.create({
      orgId: order.place.org.id,
      appId: order.place.app.id,
      environment: names.environment,
      type: `environment.${order.kind}`,
      state: "running",
      actor: order.actor,
      description: order.description,
      parameters: { ...names },
      deploymentId: id,
    });
    let unlocking: Promise<void> | undefined;
    // Once: afterwards the lock may be somebody else's.
    const unlockOnce = (): Promise<void> => (unlocking ??= unlock());
    deps.jobs.run(id, async (job) => {
      try {
        await runDeployment(deps, order, row, activity.id, job, unlockOnce);
      } finally {
        await unlockOnce();
      }
    });
    return row;
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function runDeployment(
  deps: DeploymentDeps,
  order: DeploymentOrder,
  row: Deployment,
  activity: string,
  job: Job,
  unlock: () => Promise<void>,
): Promise<void> {
  const { store } = deps;
  const begin = performance.now();
  const writer = deps.hub.open(row.id);
  const timings: Walk["timings"] = {
    uploadMs: Math.round(order.uploadMs ?? 0),
    buildMs: 0,
    startMs: 0,
    switchMs: 0,
    totalMs: 0,
  };
  let failure: BloomError | undefined;
  /** What went wrong after the release was live. */
  let blame: BloomError | undefined;
  const walk: Walk = {
    deployment: row.id,
    signal: job.signal,
    emit: (event) => writer.emit(event),
    timings,
    async enter(state: DeploymentState) {
      if (state === "switching") job.seal();
      await store.deployments.update(row.id, { state });
    },
    allowCancel: () => job.unseal(),
    blame(error) {
      blame ??= error;
      writer.emit({ type: "warning", message: error.message, failed: true });
    },
  };
  try {
    await order.work(walk, row);
  } catch (error) {
    failure = toBloomError(error);
    if (failure.code === "ERR_INTERNAL")
      deps.log.error({ err: error, deployment: row.id }, "deployment failed");
  }
  job.seal();
  timings.totalMs = Math.round(performance.now() - begin) + timings.uploadMs;
  const error = (failure ?? blame)?.toDocument() ?? null;
  const state = failure === undefined ? "live" : "failed";
  const cancelled = failure?.code === "ERR_INTERRUPTED";
  try {
    await store.deployments.update(row.id, { state, error, timings: timings });
    await store.activities.update(activity, {
      state: error === null ? "succeeded" : cancelled ? "cancelled" : "failed",
      error,
    });
    // Whoever hears that it has finished may begin the next one.
    await unlock();
    const final = await store.deployments.get(row.id);
    if (final !== undefined) writer.emit({ type: "finished", deployment: await deps.view(final) });
  } catch (problem) {
    deps.log.error({ err: problem, deployment: row.id }, "the end of a deployment could not be recorded");
  } finally {
    await writer.close();
  }
}
