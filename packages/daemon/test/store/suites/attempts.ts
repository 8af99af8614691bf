import { describe, expect, it } from "vitest";
import { createSample, lost } from "../samples.js";
import type { StoreTest } from "./describe-store.js";

const timings = { uploadMs: 1, buildMs: 2.5, startMs: 3, switchMs: 4, totalMs: 10.5 };

export function describeAttempts(test: StoreTest): void {
  describe("deployments", () => {
    it("goes from pending to live, and keeps its time when it is superseded", async () => {
      const { deployments } = test.store;
      const { app, environment, version, release } = await createSample(test.store);
      const pending = await deployments.create({
        environmentId: environment.id,
        kind: "rollback",
        createdBy: "ada",
      });
      expect(pending).toMatchObject({
        ...{ state: "pending", kind: "rollback", appId: app.id, environmentName: "main", finishedAt: null },
        ...{ tree: null, versionNumber: null, releaseNumber: null, error: null, timings: null },
      });

      const found = { versionId: version.id, releaseId: release.id, previousReleaseId: release.id };
      const starting = await deployments.update(pending.id, { state: "starting", ...found });
      expect(starting).toEqual({
        ...pending,
        ...found,
        state: "starting",
        versionNumber: 1,
        releaseNumber: 1,
      });

      const live = await deployments.update(pending.id, { state: "live", timings });
      expect(live).toEqual({ ...starting, state: "live", timings, finishedAt: live?.finishedAt });
      expect(live?.finishedAt).not.toBeNull();
      await test.database.run(
        `update deployments set finished_at = '2020-01-01T00:00:00.000Z' where id = '${pending.id}'`,
      );
      const superseded = await deployments.update(pending.id, { state: "superseded" });
      expect(superseded).toEqual({ ...live, state: "superseded", finishedAt: "2020-01-01T00:00:00.000Z" });
      expect(await deployments.get(pending.id)).toEqual(superseded);
      expect(await deployments.update("dep-none", { state: "failed" })).toBeUndefined();
    });

    it("lists newest first in the order of creation, even within one millisecond", async () => {
      const { deployments, environments } = test.store;
      const { app, environment, deployment: first } = await createSample(test.store);
      const next = await environments.create({ appId: app.id, name: "next" });
      const made = [first.id];
      for (let i = 0; i < 6; i++) {
        const environmentId = i === 5 ? next.id : environment.id;
        made.push((await deployments.create({ environmentId, kind: "restart", createdBy: "ada" })).id);
      }
      const ids = async (page: Parameters<typeof deployments.list>[0]) =>
        (await deployments.list(page)).map(({ id }) => id);
      const newest = made.toReversed();
      expect(await ids({ appId: app.id })).toEqual(newest);
      expect(await ids({ environmentId: environment.id })).toEqual(newest.slice(1));
      expect(await ids({ appId: app.id, limit: 3 })).toEqual(newest.slice(0, 3));
      expect(await ids({ appId: app.id, limit: 3, before: newest[2] ?? "" })).toEqual(newest.slice(3, 6));
      expect(await ids({ appId: "app-none" })).toEqual([]);
    });

    it("finds what is under way, and fails it when its daemon is gone", async () => {
      const { deployments } = test.store;
      const { environment, deployment: pending } = await createSample(test.store);
      const make = async (state: "live" | "failed" | "switching") =>
        deployments.create({ environmentId: environment.id, kind: "deploy", createdBy: "ada", state });
      const live = await make("live");
      const switching = await make("switching");
      expect(await deployments.listUnfinished()).toEqual([pending, switching]);

      const failed = await deployments.failUnfinished(lost);
      expect(failed.map(({ id, state, error }) => ({ id, state, error }))).toEqual(
        [pending, switching].map(({ id }) => ({ id, state: "failed", error: lost })),
      );
      expect(failed[0]?.finishedAt).not.toBeNull();
      expect(await deployments.get(live.id)).toEqual(live);
      expect(await deployments.listUnfinished()).toEqual([]);
      expect(await deployments.failUnfinished(lost)).toEqual([]);
    });

    it("needs an environment that exists", async () => {
      const orphan = test.store.deployments.create({
        environmentId: "env-none",
        kind: "deploy",
        createdBy: "ada",
      });
      await expect(orphan).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
    });
  });

  describe("instances", () => {
    it("lives, changes and ends once", async () => {
      const { instances } = test.store;
      const { app, environment, release, version, instance: row } = await createSample(test.store);
      const instance = await instances.get(row.id);
      expect(instance).toMatchObject(row);
      expect(instance).toMatchObject({
        ...{
          orgName: "local",
          appId: app.id,
          appName: "shop",
          environmentName: "main",
          role: "web",
          replica: 0,
        },
        ...{
          releaseNumber: 1,
          versionId: version.id,
          versionNumber: 1,
          state: "starting",
          address: null,
          endedAt: null,
        },
      });
      const where = { environmentId: environment.id, releaseId: release.id, role: "web" };
      const given = { id: "i-given", ...where, replica: 1, address: "198.18.0.2" };
      expect(await instances.create(given)).toMatchObject(given);
      const second = await instances.get(given.id);
      const twice = instances.create({ id: "i-given", ...where, replica: 2 });
      await expect(twice).rejects.toMatchObject({ code: "ERR_ALREADY_EXISTS" });

      await instances.update(row.id, { state: "ready", address: "198.18.0.1" });
      const ready = await instances.get(row.id);
      expect(ready).toEqual({ ...instance, state: "ready", address: "198.18.0.1" });
      expect(await instances.listLive()).toEqual([ready, second]);
      expect(await instances.listLive({ environmentId: environment.id })).toEqual([ready, second]);
      expect(await instances.listLive({ appId: "app-none" })).toEqual([]);

      await instances.end(row.id);
      const ended = await instances.get(row.id);
      expect(ended).toMatchObject({ state: "stopped", address: "198.18.0.1" });
      await instances.end(row.id, "crashed");
      expect(await instances.get(row.id)).toEqual(ended);
      expect(await instances.listLive()).toEqual([second]);
      expect(await instances.list({ appId: app.id })).toHaveLength(2);
      expect(await instances.list({ limit: 1 })).toHaveLength(1);
    });

    it("forgets all but the newest that ended", async () => {
      const { instances } = test.store;
      const { environment, release, instance } = await createSample(test.store);
      const row = { environmentId: environment.id, releaseId: release.id, role: "web", replica: 0 };
      for (let i = 0; i < 4; i++) {
        await instances.create({ ...row, id: `i-${i}` });
        await instances.end(`i-${i}`);
        await test.database.run(`update instances set created_at = '2020-01-0${i + 1}' where id = 'i-${i}'`);
      }
      expect(await instances.removeBeyond("env-none", 0)).toBe(0);
      expect(await instances.removeBeyond(environment.id, 2)).toBe(2);
      const left = await instances.list({ environmentId: environment.id });
      expect(left.map(({ id }) => id)).toEqual([instance.id, "i-3", "i-2"]);
      expect(await instances.removeBeyond(environment.id, 0)).toBe(2);
    });

    it("forgets those that ended long ago", async () => {
      const { instances } = test.store;
      const { instance } = await createSample(test.store);
      const future = "9999-01-01T00:00:00.000Z";
      expect(await instances.removeEnded(future)).toBe(0);
      await instances.end(instance.id);
      expect(await instances.removeEnded("2000-01-01T00:00:00.000Z")).toBe(0);
      expect(await instances.removeEnded(future)).toBe(1);
      expect(await instances.get(instance.id)).toBeUndefined();
    });
  });
}
