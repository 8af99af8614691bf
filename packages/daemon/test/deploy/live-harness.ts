import {
  completeConfig,
  type DeploymentEvent,
  type DeploymentState,
  type ShimStatus,
} from "@bloomery/contract";
import type { Edge } from "../../src/deploy/edge.js";
import { createFleet, type Fleet, type RunnableRelease } from "../../src/deploy/fleet.js";
import type { LiveParts } from "../../src/deploy/go-live.js";
import type { Walk } from "../../src/deploy/walk.js";
import type { Engine, Instance, InstanceWish } from "../../src/run/engines/engine.js";

/** Everything that happened, in order, in words. */
export interface Harness {
  readonly events: string[];
  readonly fleet: Fleet;
  readonly walk: Walk;
  readonly cancel: () => void;
  readonly parts: LiveParts;
  /** Releases whose instances never become ready. */
  readonly broken: Set<string>;
  release(id: string): RunnableRelease;
}

const environment = { id: "env-1", slot: 1 };

/** The walk's own code over instances that only exist in words: real ones are tried end to end. */
export function createHarness(overrides: Partial<LiveParts> = {}): Harness {
  const events: string[] = [];
  const broken = new Set<string>();
  let count = 0;
  const abort = new AbortController();
  const fleet = createFleet(
    {
      nextId: () => `i-${++count}`,
      start: async (wish: InstanceWish) => createInstance(wish, events, broken),
    } as unknown as Engine,
    { started: async () => undefined, ended: async () => undefined },
    async () => [],
  );
  const names = (instances: readonly Instance[]): string =>
    instances.map((one) => one.releaseId).join() || "nobody";
  const edge: Edge = {
    point: async (_place, instances) => void events.push(`point ${names(instances)}`),
    refresh: async () => void events.push("refresh"),
    assertRoutable: async () => undefined,
    route: (served) => ({ ...served, upstreams: [] }),
  };
  const parts: LiveParts = {
    fleet,
    edge,
    openHold: async () => {
      events.push("hold");
      return {
        waiting: 0,
        release: async (targets) => void events.push(`release to ${targets.length}`),
        refuse: async () => void events.push("refuse"),
      };
    },
    prepare: async (instances) => void events.push(`prepare ${names(instances)}`),
    heal: () => void events.push("heal"),
    commit: async () => void events.push("commit"),
    ...overrides,
  };
  const walk: Walk = {
    deployment: "dep-1",
    signal: abort.signal,
    emit: (event: DeploymentEvent) => void (event.type === "log" && events.push(`say ${event.text}`)),
    enter: async (state: DeploymentState) => void events.push(`state ${state}`),
    allowCancel: () => undefined,
    blame: () => undefined,
    timings: { uploadMs: 0, buildMs: 0, startMs: 0, switchMs: 0, totalMs: 0 },
  };
  return {
    ...{ events, fleet, walk, parts, broken },
    cancel: () => abort.abort(new Error("cancelled")),
    release: (id) => ({
      ...{ environmentId: environment.id, releaseId: id, appName: "shop", appSlot: 1 },
      ...{ artifactDir: "/nowhere", env: {}, runtimeDocument: "{}" },
      config: completeConfig({ web: { start: "./shop" } }),
    }),
  };
}

/** Puts a release into service, as if it had been deployed before. */
export async function serve(
  harness: Harness,
  id: string,
  places = [{ role: "web", replica: 0 }],
): Promise<void> {
  const started = await harness.fleet.start(harness.release(id), places, new AbortController().signal);
  harness.fleet.promote(environment.id, started);
  harness.events.length = 0;
}

export function orderOf(harness: Harness, id: string) {
  return { release: harness.release(id), environment, replicas: { web: 1 } };
}

function createInstance(wish: InstanceWish, events: string[], broken: ReadonlySet<string>): Instance {
  events.push(`start ${wish.releaseId}`);
  let leave: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => (leave = resolve));
  const end = async (how: string): Promise<void> => {
    events.push(`${how} ${wish.releaseId}`);
    leave();
    await gone;
  };
  const status = {
    state: broken.has(wish.releaseId) ? "crashed" : "ready",
    last_exit: null,
    listening: [],
  } as unknown as ShimStatus;
  return {
    ...{ id: wish.id, environmentId: wish.environmentId, releaseId: wish.releaseId },
    ...{ role: wish.role, replica: wish.replica, status, gone },
    address: { kind: "unix", path: `/${wish.id}` },
    listens: [],
    openPorts: () => Promise.resolve(),
    refresh: async () => status,
    watchStatus: () => () => undefined,
    drain: () => end("drain"),
    stop: () => end("stop"),
    readTail: async () => [],
    readWorkers: async () => null,
    enter: async () => Promise.reject(new Error("not here")),
  };
}
