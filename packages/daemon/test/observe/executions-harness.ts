import { appendFile, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { completeConfig } from "@bloomery/contract";
import { createExecutionFollower, type FollowTimes } from "../../src/observe/follow-executions.js";
import type { RecordSource } from "../../src/observe/follow-records.js";
import { createInstanceEnds } from "../../src/observe/instance-ends.js";
import { createNoteBook } from "../../src/observe/start-notes.js";
import { openStore, type FinishedExecution, type Store } from "../../src/store/index.js";

export const recordLine = (execution: string, change: object = {}): string =>
  `2026-11-21T10:00:00.123456Z record ${JSON.stringify({
    ...{ execution, at: 1_790_000_000_000, run_us: 1500, status: 200, error: null },
    ...{ request_bytes: 12, response_bytes: 34, cold: false, ...change },
  })}\n`;

export const accessLine = (env: string, execution: string, change: object = {}): string =>
  `${JSON.stringify({
    ...{ at: 1_790_000_001.5, env, execution, status: 502, bytes: 7, request_bytes: 300 },
    ...{ request_time: 0.5, upstream: "unix:/app.sock", ...change },
  })}\n`;

interface StartOptions extends Partial<FollowTimes> {
  readonly store?: Store;
  readonly kept?: number;
}

/** A home of one function with a real database, whose daemon can be started again. */
export async function openHarness() {
  const folder = await mkdtemp(join(tmpdir(), "bloom-executions-"));
  const url = `sqlite:${join(folder, "bloom.db")}`;
  const accessLog = join(folder, "access.log");
  const warnings: string[] = [];
  const pressures: object[] = [];
  let store = await openStore({ url });
  const org = await store.orgs.ensure("org");
  const app = await store.apps.create({ orgId: org.id, name: "hello" });
  const environment = await store.environments.create({ appId: app.id, name: "main" });
  const build = await store.builds.create({ appId: app.id, key: "k", tree: "t" });
  const config = completeConfig({ web: { start: "true" }, function: {} });
  const origin = { artifact: "a", tree: "t", config, createdBy: "ada" };
  const version = await store.versions.create({ appId: app.id, buildId: build.id, ...origin });
  const release = await store.releases.create({
    ...{ environmentId: environment.id, versionId: version.id, variables: "" },
  });
  await store.environments.update(environment.id, { liveReleaseId: release.id });
  let open: { close(): Promise<void> }[] = [];

  const start = ({ store: from = store, kept = 10_000, ...times }: StartOptions = {}) => {
    const notes = createNoteBook();
    const ends = createInstanceEnds();
    const taken: FinishedExecution[] = [];
    const waiters = new Set<() => void>();
    const follower = createExecutionFollower({
      ...{ store: from, accessLog, notes, ends, kept, onPressure: (one) => void pressures.push(one) },
      onTaken(batch) {
        taken.push(...batch);
        for (const waiter of waiters) waiter();
      },
      log: { warn: (_fields, text) => void warnings.push(text) },
      times: { debounceMs: 5, longestMs: 20, pollMs: 60_000, patienceMs: 50, ...times },
    });
    open.push(follower);
    /** Fulfils when so many were taken in by this daemon. */
    const takenIn = (count: number): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (taken.length < count) return;
          waiters.delete(look);
          resolve();
        };
        waiters.add(look);
        look();
      });
    return { ...follower, notes, ends, taken, takenIn };
  };

  const source = async (id: string): Promise<RecordSource> => {
    const dir = join(folder, id);
    await mkdir(dir, { recursive: true });
    return { id, environmentId: environment.id, version: 1, dir };
  };

  return {
    ...{ folder, accessLog, warnings, pressures, environment, app, org, start, source },
    get store() {
      return store;
    },
    ids: async () =>
      (await store.executions.list({ environmentId: environment.id, limit: 100_000 })).map(({ id }) => id),
    /** As when the daemon ends and another begins. */
    async reopenStore() {
      await store.close();
      store = await openStore({ url });
    },
    write: ({ dir }: RecordSource, ...lines: string[]) =>
      appendFile(join(dir, "executions.log"), lines.join("")),
    /** What the shim does when a file is full. */
    async rotate({ dir }: RecordSource) {
      const file = join(dir, "executions.log");
      for (const age of [3, 2, 1])
        await rename(`${file}.${age - 1}`, `${file}.${age}`).catch(() => undefined);
      await rename(file, `${file}.1`);
    },
    async close() {
      for (const one of open) await one.close();
      open = [];
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}
