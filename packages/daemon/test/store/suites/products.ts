import type { AppConfig } from "@bloomery/contract";
import { describe, expect, it } from "vitest";
import { createSample, oldConfig, lost, sampleConfig } from "../samples.js";
import type { StoreTest } from "./describe-store.js";

const stats = {
  units: 3,
  fresh: 1,
  compiled: 2,
  rebuilt: [{ crate: "shop", reason: "the file src/main.rs changed" }],
};

export function describeProducts(test: StoreTest): void {
  describe("builds", () => {
    it("goes through its states and notes the times", async () => {
      const { builds } = test.store;
      const { app } = await createSample(test.store);
      const pending = await builds.create({ appId: app.id, key: "k2", tree: "t2" });
      expect(pending).toMatchObject({
        number: 2,
        state: "pending",
        startedAt: null,
        finishedAt: null,
        stats: null,
      });

      const running = await builds.update(pending.id, { state: "running", toolchain: "1.85.0" });
      expect(running).toMatchObject({ state: "running", toolchain: "1.85.0", finishedAt: null });
      expect(running?.startedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

      const done = await builds.update(pending.id, { state: "succeeded", artifact: "a2", stats });
      expect(done).toEqual({
        ...running,
        state: "succeeded",
        artifact: "a2",
        stats,
        finishedAt: done?.finishedAt,
      });
      expect(done?.finishedAt).not.toBeNull();
      expect(Object.isFrozen(done?.stats?.rebuilt[0])).toBe(true);
      expect(await builds.get(pending.id)).toEqual(done);
      expect(await builds.update("bld-none", { state: "failed" })).toBeUndefined();
    });

    it("finds the latest success of the same key in the same app", async () => {
      const { builds } = test.store;
      const { app } = await createSample(test.store);
      const other = await createSample(test.store, "other");
      const make = async (appId: string, state: "succeeded" | "failed") => {
        const build = await builds.create({ appId, key: "same", tree: "t" });
        return builds.update(build.id, { state });
      };
      await make(app.id, "succeeded");
      const latest = await make(app.id, "succeeded");
      await make(app.id, "failed");
      await make(other.app.id, "succeeded");
      expect(await builds.getSucceeded(app.id, "same")).toEqual(latest);
      expect(await builds.getSucceeded(app.id, "k1")).toBeUndefined();
    });

    it("lists newest first, page by page", async () => {
      const { builds } = test.store;
      const { app } = await createSample(test.store);
      for (let i = 0; i < 4; i++) await builds.create({ appId: app.id, key: "k", tree: "t" });
      const numbers = async (page: { limit?: number; before?: number }) =>
        (await builds.list({ appId: app.id, ...page })).map((build) => build.number);
      expect(await numbers({})).toEqual([5, 4, 3, 2, 1]);
      expect(await numbers({ limit: 2 })).toEqual([5, 4]);
      expect(await numbers({ limit: 2, before: 4 })).toEqual([3, 2]);
    });

    it("fails what a dead daemon left, and nothing else", async () => {
      const { builds } = test.store;
      const { app, build: pending } = await createSample(test.store);
      const running = await builds.create({ appId: app.id, key: "k", tree: "t" });
      await builds.update(running.id, { state: "running" });
      const done = await builds.create({ appId: app.id, key: "k", tree: "t" });
      await builds.update(done.id, { state: "succeeded" });

      const failed = await builds.failUnfinished(lost);
      expect(failed.map((build) => build.id).sort()).toEqual([pending.id, running.id].sort());
      expect(await builds.get(running.id)).toMatchObject({ state: "failed", error: lost });
      expect(await builds.get(done.id)).toMatchObject({ state: "succeeded", error: null });
      expect(await builds.failUnfinished(lost)).toEqual([]);
    });
  });

  describe("versions", () => {
    it("keeps the frozen config and numbers from 1 per app", async () => {
      const { versions } = test.store;
      const { app, build, version } = await createSample(test.store);
      const other = await createSample(test.store, "other");
      expect(version).toMatchObject({ number: 1, buildId: build.id, artifact: "a1", config: sampleConfig });
      expect(Object.isFrozen(version.config.web.ready)).toBe(true);
      const origin = { artifact: "a2", tree: "t2", config: sampleConfig, createdBy: "ada" };
      const second = await versions.create({ appId: app.id, buildId: build.id, ...origin });

      expect(second.number).toBe(2);
      expect(other.version.number).toBe(1);
      expect(await versions.get(second.id)).toEqual(second);
      expect(await versions.getByNumber(app.id, 1)).toEqual(version);
      expect(await versions.getByNumber(app.id, 3)).toBeUndefined();
      expect(await versions.list({ appId: app.id })).toEqual([second, version]);
      expect(await versions.list({ appId: app.id, before: 2 })).toEqual([version]);
      expect(await versions.listArtifacts()).toEqual(["a1", "a2"]);
    });

    it("fills in what a config of an older daemon lacks", async () => {
      const { versions } = test.store;
      const { app, build } = await createSample(test.store);
      const origin = {
        artifact: "a2",
        tree: "t2",
        config: oldConfig as unknown as AppConfig,
        createdBy: "ada",
      };
      const { id } = await versions.create({ appId: app.id, buildId: build.id, ...origin });
      const found = await versions.get(id);
      expect(found?.config).toMatchObject({
        limits: { memoryBytes: 512_000_000, tmpBytes: expect.any(Number) as number },
        hooks: { deploy: null, postDeploy: null },
        deploy: { strategy: "rolling", onHookFailure: "keep_old" },
        mounts: {},
        web: { locations: { "/": { passthru: true, rules: [], expiresSeconds: -1 } }, preStart: null },
      });
      expect(Object.isFrozen(found?.config.web.locations["/"]?.rules)).toBe(true);
    });

    it("needs an app and a build that exist", async () => {
      const { versions } = test.store;
      const { app, build } = await createSample(test.store);
      const origin = { artifact: "a", tree: "t", config: sampleConfig, createdBy: "ada" };
      const orphan = versions.create({ appId: "app-none", buildId: build.id, ...origin });
      await expect(orphan).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
      const unbuilt = versions.create({ appId: app.id, buildId: "bld-none", ...origin });
      await expect(unbuilt).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
    });
  });

  describe("releases", () => {
    it("numbers from 1 per environment and carries the sealed variables untouched", async () => {
      const { releases, environments } = test.store;
      const { app, environment, version, release } = await createSample(test.store);
      const next = await environments.create({ appId: app.id, name: "next" });
      const wish = { versionId: version.id, variables: "v1.\u00e4\n'\"" };
      const second = await releases.create({ environmentId: environment.id, ...wish });
      const elsewhere = await releases.create({ environmentId: next.id, ...wish });

      expect([release.number, second.number, elsewhere.number]).toEqual([1, 2, 1]);
      expect(second).toMatchObject({ versionNumber: 1, variables: wish.variables });
      expect(await releases.get(second.id)).toEqual(second);
      expect(await releases.getByNumber(environment.id, 1)).toEqual(release);
      expect(await releases.getByNumber(next.id, 2)).toBeUndefined();
      expect(await releases.list({ environmentId: environment.id })).toEqual([second, release]);
      expect(await releases.list({ environmentId: environment.id, limit: 1, before: 2 })).toEqual([release]);
      const orphan = releases.create({ environmentId: "env-none", ...wish });
      await expect(orphan).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
    });
  });
}
