import type { Store } from "../../store/open-store.js";

/** Something that happened to a function. */
export interface FunctionEvent {
  readonly time: string;
  /** Such as `deployment.create`, `instance.started`, `instance.stopped` or `instance.crashed`. */
  readonly type: string;
  readonly message: string;
  /** Sorts as the events came; no two have the same. */
  readonly key: string;
}

/** Activities and instances that are looked through; what is older is nobody's news. */
const lookBack = 1000;

/** What happened to a function, newest first: what was done to it, and how its instances came and went. */
export async function listEvents(
  store: Store,
  {
    appId,
    environment,
  }: { readonly appId: string; readonly environment: { readonly id: string; name: string } },
  { limit, cursor }: { readonly limit: number; readonly cursor: string | undefined },
): Promise<{ readonly events: readonly FunctionEvent[]; readonly next?: string }> {
  const activities = await store.activities.list({ appId, limit: lookBack });
  const instances = await store.instances.list({ environmentId: environment.id, limit: lookBack });
  const all: FunctionEvent[] = [
    ...activities
      .filter((one) => one.environment === null || one.environment === environment.name)
      .map((one) => event(one.createdAt, one.id, one.type, describeActivity(one))),
    ...instances.flatMap(({ id, versionNumber, state, createdAt, endedAt }) => {
      const who = `${id}, version ${versionNumber}`;
      const started = event(createdAt, `${id}-a`, "instance.started", `woken: ${who}`);
      if (endedAt === null) return [started];
      const [type, words] =
        state === "crashed" ? ["instance.crashed", "crashed"] : ["instance.stopped", "put to sleep"];
      return [event(endedAt, `${id}-b`, type, `${words}: ${who}`), started];
    }),
  ];
  const sorted = all
    .filter(({ key }) => cursor === undefined || key < cursor)
    .toSorted((a, b) => (a.key < b.key ? 1 : -1));
  const events = sorted.slice(0, limit);
  const last = events.at(-1);
  return sorted.length > limit && last !== undefined ? { events, next: last.key } : { events };
}

function event(time: string, id: string, type: string, message: string): FunctionEvent {
  return { time, type, message, key: `${time} ${id}` };
}

function describeActivity(one: {
  readonly description: string;
  readonly state: string;
  readonly error: { readonly message: string } | null;
}): string {
  if (one.error !== null) return `${one.description}: ${one.error.message}`;
  return one.state === "succeeded" ? one.description : `${one.description} (${one.state})`;
}
