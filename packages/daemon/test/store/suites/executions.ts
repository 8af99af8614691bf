import { describe, expect, it } from "vitest";
import type { FinishedExecution } from "../../../src/store/index.js";
import { createSample } from "../samples.js";
import type { StoreTest } from "./describe-store.js";

const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, "0")}.000Z`;

/** One that an instance has told of. */
function finished(environmentId: string, change: Partial<FinishedExecution> = {}): FinishedExecution {
  return {
    ...{ id: "x-1", environmentId, kind: "direct", version: 1, instanceId: "i-1", state: "succeeded" },
    ...{ httpStatus: 200, cold: false, queueUs: 10, startUs: 20, runUs: 5_000_000_000 },
    ...{ requestBytes: 12, responseBytes: 34, error: null, createdAt: at(1), finishedAt: at(2) },
    ...change,
  };
}

export function describeExecutions(test: StoreTest): void {
  describe("executions", () => {
    it("takes in what files tell, once, with how far they were read", async () => {
      const { executions, cursors } = test.store;
      const { org, app, environment } = await createSample(test.store);
      const one = finished(environment.id, { cold: true, error: "no \u{1f980} % _ \\ here" });
      const place = { name: "executions:i-1", position: { "7-1": 250 } };
      await executions.takeIn([one], [place]);
      await executions.takeIn([{ ...one, state: "failed", error: "other" }, one], [place]);
      expect(await executions.list({ environmentId: environment.id })).toEqual([
        {
          ...{ ...one, orgId: org.id, orgName: "local", appId: app.id, appName: "shop" },
          ...{ environmentName: "main", attempt: 1, attempts: 1, request: null, replayOf: null },
        },
      ]);
      expect(await cursors.get("executions:i-1")).toEqual({ "7-1": 250 });
      expect(await cursors.list("executions:")).toEqual(["executions:i-1"]);
      await cursors.remove("executions:i-1");
      await cursors.remove("executions:i-1");
      expect(await cursors.get("executions:i-1")).toBeUndefined();
    });

    it("takes in any number at once, each as it was told", async () => {
      const { executions } = test.store;
      const { environment } = await createSample(test.store);
      // Larger pieces, smaller ones and a rest; an order of fields of its own must not matter.
      const batch = Array.from({ length: 637 }, (_, n) => ({
        ...{ runUs: n, error: n % 3 === 0 ? null : `e${n}`, cold: n % 2 === 0 },
        ...finished(environment.id, { id: `x-${n}`, runUs: n, queueUs: 2 * n, responseBytes: 3 * n }),
        ...{
          error: n % 3 === 0 ? null : `e${n}`,
          cold: n % 2 === 0,
          httpStatus: n % 5 === 0 ? null : 200 + n,
        },
      }));
      await executions.takeIn(batch);
      const rows = await executions.list({ environmentId: environment.id, limit: 1000 });
      expect(rows.toReversed()).toEqual(batch.map((one) => expect.objectContaining(one)));
    });

    it("takes in all or nothing, and passes over environments that are gone", async () => {
      const { executions, cursors } = test.store;
      const { environment } = await createSample(test.store);
      const bad = finished(environment.id, { id: "x-bad", state: null as never });
      const place = { name: "c", position: { a: 1 } };
      await expect(executions.takeIn([finished(environment.id), bad], [place])).rejects.toThrow();
      expect(await executions.get("x-1")).toBeUndefined();
      expect(await cursors.get("c")).toBeUndefined();
      await executions.takeIn([finished("env-gone", { id: "x-2" }), finished(environment.id)], [place]);
      expect(await executions.get("x-2")).toBeUndefined();
      expect(await executions.get("x-1")).toMatchObject({ state: "succeeded" });
      await executions.takeIn([]);
    });

    it("completes one that was made beforehand, and keeps what its maker knows", async () => {
      const { executions } = test.store;
      const { environment } = await createSample(test.store);
      const made = await executions.create({
        ...{ environmentId: environment.id, kind: "async", version: 3, request: "requests/1" },
      });
      expect(made).toMatchObject({ state: "queued", attempt: 1, attempts: 1, finishedAt: null, runUs: 0 });
      expect(await executions.listUnfinished()).toEqual([made]);
      const told = { state: "failed", httpStatus: 500, error: "no", runUs: 7 } as const;
      await executions.takeIn([finished(environment.id, { id: made.id, ...told })]);
      expect(await executions.get(made.id)).toEqual({
        ...made,
        ...told,
        ...{ instanceId: "i-1", requestBytes: 12, responseBytes: 34, finishedAt: at(2) },
      });
      expect(await executions.listUnfinished()).toEqual([]);
    });

    it("takes the measures of one whose end is known already, and nothing else", async () => {
      const { executions } = test.store;
      const { environment } = await createSample(test.store);
      const made = await executions.create({ environmentId: environment.id, kind: "async", version: 3 });
      await test.database.run(
        `update executions set state = 'cancelled', run_us = 1, finished_at = '${at(9)}' where id = '${made.id}'`,
      );
      await executions.takeIn([finished(environment.id, { id: made.id, runUs: 7 })]);
      expect(await executions.get(made.id)).toMatchObject({
        ...{ state: "cancelled", finishedAt: at(9), httpStatus: null, runUs: 7, instanceId: "i-1" },
        ...{ kind: "async", version: 3, responseBytes: 34 },
      });
    });

    it("leaves it to whoever tries again when it has ended", async () => {
      const { executions } = test.store;
      const { environment } = await createSample(test.store);
      const order = { environmentId: environment.id, kind: "async", version: 1, attempts: 3 } as const;
      const made = await executions.create({ ...order, state: "running" });
      const told = { id: made.id, state: "failed", error: "no" } as const;
      await executions.takeIn([finished(environment.id, { ...told, runUs: 5 })]);
      await executions.takeIn([finished(environment.id, { ...told, runUs: 9 })]);
      expect(await executions.get(made.id)).toMatchObject({
        ...{ state: "running", finishedAt: null, error: null, runUs: 9, instanceId: "i-1" },
      });
    });

    it("believes an instance more than what a caller saw, whichever comes first", async () => {
      const { executions } = test.store;
      const { environment } = await createSample(test.store);
      const seen = {
        instanceId: null,
        state: "failed",
        httpStatus: 502,
        error: "gone",
        startUs: 900,
      } as const;
      await executions.takeIn([finished(environment.id, { ...seen, id: "x-early" })]);
      await executions.takeIn([finished(environment.id, { id: "x-early" })]);
      await executions.takeIn([finished(environment.id, { id: "x-late" })]);
      await executions.takeIn([finished(environment.id, { ...seen, id: "x-late" })]);
      const known = { state: "succeeded", httpStatus: 200, instanceId: "i-1", error: null };
      expect(await executions.get("x-early")).toMatchObject({ ...known, startUs: 900 });
      expect(await executions.get("x-late")).toMatchObject({ ...known, startUs: 20 });
    });

    it("lets no function write into what belongs to another", async () => {
      const { executions, environments } = test.store;
      const { app, environment } = await createSample(test.store);
      const other = await environments.create({ appId: app.id, name: "other" });
      const made = await executions.create({ environmentId: environment.id, kind: "async", version: 1 });
      await executions.takeIn([finished(other.id, { id: made.id, state: "failed" })]);
      expect(await executions.get(made.id)).toEqual(made);
    });

    it("lists newest first, page by page, by everything that is asked for", async () => {
      const { executions } = test.store;
      const { app, environment } = await createSample(test.store);
      const batch = Array.from({ length: 7 }, (_, n) =>
        finished(environment.id, {
          ...{ id: `x-${n}`, createdAt: at(n < 3 ? 10 : 20 - n), finishedAt: at(30), version: n % 2 },
          ...(n === 5 ? { state: "timed_out", error: "Too LATE: 100%" } : {}),
          ...(n === 6 ? { state: "failed", error: "lost 100x", kind: "mcp", cold: true } : {}),
        }),
      );
      await executions.takeIn(batch);
      const ids = async (page: Parameters<typeof executions.list>[0]) =>
        (await executions.list({ appId: app.id, ...page })).map(({ id }) => id);
      const all = ["x-3", "x-4", "x-5", "x-6", "x-2", "x-1", "x-0"];
      expect(await ids({})).toEqual(all);
      expect(await ids({ limit: 3 })).toEqual(all.slice(0, 3));
      expect(await ids({ limit: 3, before: "x-5" })).toEqual(all.slice(3, 6));
      expect(await ids({ before: "x-2" })).toEqual(all.slice(5));
      expect(await ids({ before: "x-none" })).toEqual([]);
      expect(await ids({ state: "timed_out" })).toEqual(["x-5"]);
      expect(await ids({ kind: "mcp" })).toEqual(["x-6"]);
      expect(await ids({ version: 1 })).toEqual(["x-3", "x-5", "x-1"]);
      expect(await ids({ since: at(16) })).toEqual(["x-3", "x-4"]);
      expect(await ids({ text: "late" })).toEqual(["x-5"]);
      expect(await ids({ text: "100%" })).toEqual(["x-5"]);
      expect(await ids({ text: "1_0" })).toEqual([]);
      expect(await ids({ appId: "app-none" })).toEqual([]);
      expect(await executions.count({ appId: app.id })).toEqual({
        ...{ states: { succeeded: 5, timed_out: 1, failed: 1 }, cold: 1 },
      });
      expect(await executions.count({ appId: "app-none" })).toEqual({ states: {}, cold: 0 });
    });

    it("knows whether an execution was alone in its instance", async () => {
      const { executions } = test.store;
      const { environment } = await createSample(test.store);
      await executions.takeIn([
        finished(environment.id, { id: "x-a", createdAt: at(1), finishedAt: at(3) }),
        finished(environment.id, { id: "x-b", createdAt: at(5), finishedAt: at(7) }),
      ]);
      const others = (id: string, from: number, to: number, instance = "i-1") =>
        executions.hasOthers(instance, id, { from: at(from), to: at(to) });
      expect(await others("x-a", 1, 3)).toBe(false);
      expect(await others("x-a", 1, 5)).toBe(true);
      expect(await others("x-b", 3, 7)).toBe(true);
      expect(await others("x-a", 1, 5, "i-2")).toBe(false);
    });

    it("forgets what is old and what is too much, but nothing that is under way", async () => {
      const { executions, environments } = test.store;
      const { app, environment } = await createSample(test.store);
      const next = await environments.create({ appId: app.id, name: "next" });
      const batch = Array.from({ length: 6 }, (_, n) =>
        finished(environment.id, { id: `x-${n}`, createdAt: at(n), finishedAt: at(n + 1) }),
      );
      await executions.takeIn([...batch, finished(next.id, { id: "x-next" })]);
      const under = await executions.create({
        ...{ environmentId: environment.id, kind: "async", version: 1, request: "requests/7" },
      });
      expect(await executions.listEnvironments()).toHaveLength(2);
      expect(await executions.removeBeyond(environment.id, 5)).toEqual({ count: 2, requests: [] });
      expect(await executions.removeBeyond(environment.id, 5)).toEqual({ count: 0, requests: [] });
      const ids = async () => (await executions.list({ environmentId: environment.id })).map(({ id }) => id);
      expect(await ids()).toEqual([under.id, "x-5", "x-4", "x-3", "x-2"]);
      expect(await executions.removeOlder(at(4))).toEqual({ count: 2, requests: [] }); // x-2 and x-next
      expect(await ids()).toEqual([under.id, "x-5", "x-4", "x-3"]);
      expect(await executions.removeBeyond(environment.id, 0)).toEqual({ count: 3, requests: [] });
      expect(await ids()).toEqual([under.id]);
      await executions.takeIn([finished(environment.id, { id: under.id })]);
      expect(await executions.removeOlder(at(3))).toMatchObject({ count: 0 });
      expect(await executions.removeBeyond(environment.id, 0)).toEqual({
        ...{ count: 1, requests: ["requests/7"] },
      });
    });

    it("goes with its environment, and needs one that exists", async () => {
      const { executions, apps } = test.store;
      const { app, environment } = await createSample(test.store);
      const made = await executions.create({ environmentId: environment.id, kind: "test", version: 0 });
      const again = { id: made.id, environmentId: environment.id, kind: "test", version: 0 } as const;
      await expect(executions.create(again)).rejects.toMatchObject({ code: "ERR_ALREADY_EXISTS" });
      await expect(
        executions.create({ environmentId: "env-none", kind: "test", version: 0 }),
      ).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
      await apps.remove(app.id);
      expect(await executions.get(made.id)).toBeUndefined();
    });
  });
}
