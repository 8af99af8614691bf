import { describe, expect, it } from "vitest";
import { createSample, lost } from "../samples.js";
import type { StoreTest } from "./describe-store.js";

export function describeRecords(test: StoreTest): void {
  describe("variables", () => {
    it("makes and replaces, per level", async () => {
      const { variables } = test.store;
      const { app, environment, variable } = await createSample(test.store);
      expect(variable).toMatchObject({ sensitive: true, visibleBuild: false, visibleRuntime: true });
      const own = { appId: app.id, environmentId: environment.id, name: "KEY" };
      const shared = { appId: app.id, environmentId: null, name: "KEY" };

      const flags = { sensitive: true, json: true, visibleBuild: true, visibleRuntime: false };
      const changed = await variables.set({ ...own, value: "new", ...flags });
      expect(changed).toEqual({ ...variable, value: "new", ...flags, updatedAt: changed.updatedAt });
      const first = await variables.set({ ...shared, value: "1", sensitive: false });
      const second = await variables.set({ ...shared, value: "2", sensitive: false });
      expect(second.id).toBe(first.id);
      expect(await variables.list({ appId: app.id, environmentId: null })).toEqual([second]);
      expect(await variables.get(own)).toEqual(changed);
      expect(await variables.get({ ...own, name: "NONE" })).toBeUndefined();
      expect(await variables.remove(own)).toBe(true);
      expect(await variables.remove(own)).toBe(false);
      expect(await variables.get(shared)).toEqual(second);
    });

    it("keeps flags that are not named, and what was sensitive", async () => {
      const { variables } = test.store;
      const { app } = await createSample(test.store);
      const key = { appId: app.id, environmentId: null, name: "TOKEN" };
      expect(await variables.set({ ...key, value: "1", sensitive: true, visibleBuild: true })).toMatchObject({
        ...{ json: false, visibleBuild: true, visibleRuntime: true },
      });
      const again = await variables.set({ ...key, value: "2", sensitive: false, visibleRuntime: false });
      expect(again).toMatchObject({ sensitive: true, visibleBuild: true, visibleRuntime: false });
      expect(await variables.set({ ...key, value: "3", sensitive: false })).toMatchObject({
        ...{ sensitive: true, visibleBuild: true, visibleRuntime: false },
      });
    });

    it("is one variable when set from many callers at once", async () => {
      const { app } = await createSample(test.store);
      const key = { appId: app.id, environmentId: null, name: "RACE" };
      const values = Array.from({ length: 8 }, (_, i) => `${i}`);
      await Promise.all(values.map((value) => test.store.variables.set({ ...key, value, sensitive: false })));
      expect(await test.store.variables.list({ appId: app.id, environmentId: null })).toHaveLength(1);
    });
  });

  describe("activities", () => {
    const about = { type: "deployment.create", actor: "ada", description: "deploys shop" };

    it("is done at once, or ends later", async () => {
      const { activities } = test.store;
      const parameters = { app: "shop", nested: { list: [1, "two", null] } };
      const done = await activities.create({ ...about, parameters });
      expect(done).toMatchObject({ state: "succeeded", finishedAt: done.createdAt, parameters });
      expect(done).not.toHaveProperty("seq");

      const running = await activities.create({ ...about, state: "running", deploymentId: "dep-1" });
      expect(running).toMatchObject({
        finishedAt: null,
        parameters: {},
        orgId: null,
        appId: null,
        environment: null,
      });
      const failed = await activities.update(running.id, { state: "failed", error: lost });
      expect(failed).toEqual({ ...running, state: "failed", error: lost, finishedAt: failed?.finishedAt });
      expect(failed?.finishedAt).not.toBeNull();
      expect(await activities.get(running.id)).toEqual(failed);
      expect(await activities.update("act-none", { state: "failed" })).toBeUndefined();
    });

    it("lists newest first by org, app and environment, page by page", async () => {
      const { activities } = test.store;
      const made: string[] = [];
      for (let i = 0; i < 6; i++) {
        const place = { orgId: "org-1", appId: i % 2 === 0 ? "app-even" : "app-odd", environment: "main" };
        made.push((await activities.create({ ...about, ...place })).id);
      }
      const ids = async (page: Parameters<typeof activities.list>[0]) =>
        (await activities.list(page)).map(({ id }) => id);
      const newest = made.toReversed();
      expect(await ids({})).toEqual(newest);
      expect(await ids({ orgId: "org-1", environment: "main", limit: 2 })).toEqual(newest.slice(0, 2));
      expect(await ids({ limit: 2, before: newest[1] ?? "" })).toEqual(newest.slice(2, 4));
      expect(await ids({ appId: "app-odd" })).toEqual(newest.filter((_, i) => i % 2 === 0));
      expect(await ids({ environment: "next" })).toEqual([]);
    });

    it("fails what a dead daemon left", async () => {
      const { activities } = test.store;
      const done = await activities.create(about);
      const running = await activities.create({ ...about, state: "running" });
      const [failed, ...others] = await activities.failUnfinished(lost);
      expect(failed).toEqual({ ...running, state: "failed", error: lost, finishedAt: failed?.finishedAt });
      expect(others).toEqual([]);
      expect(await activities.get(done.id)).toEqual(done);
    });
  });

  describe("locks", () => {
    const ada = { actor: "ada", what: "deploy", deployment: "dep-1" };
    const bob = { actor: "bob", what: "rollback", deployment: null };

    it("is given to one, and names the holder to the others", async () => {
      const { locks } = test.store;
      expect(await locks.acquire("env-1", ada, "boot-1")).toEqual({ ok: true });
      const lock = await locks.get("env-1");
      expect(lock).toMatchObject({
        name: "env-1",
        daemon: "boot-1",
        holder: { ...ada, since: lock?.acquiredAt },
      });
      expect(await locks.acquire("env-1", bob, "boot-1")).toEqual({ ok: false, holder: lock?.holder });
      expect(await locks.acquire("env-2", bob, "boot-1")).toEqual({ ok: true });
      expect(await locks.release("env-1", "boot-2")).toBe(false);
      expect(await locks.release("env-1", "boot-1")).toBe(true);
      expect(await locks.release("env-1", "boot-1")).toBe(false);
      expect(await locks.acquire("env-1", bob, "boot-1")).toEqual({ ok: true });
    });

    it("is given to exactly one of many who ask at once", async () => {
      const { locks } = test.store;
      const asked = await Promise.all(
        Array.from({ length: 10 }, (_, i) => locks.acquire("env-1", ada, `boot-${i}`)),
      );
      expect(asked.filter(({ ok }) => ok)).toHaveLength(1);
    });

    it("breaks the locks of earlier boots and keeps its own", async () => {
      const { locks } = test.store;
      await locks.acquire("env-1", ada, "boot-old");
      await locks.acquire("env-2", bob, "boot-new");
      const broken = await locks.breakOthers("boot-new");
      expect(broken.map(({ name, holder }) => [name, holder.actor])).toEqual([["env-1", "ada"]]);
      expect((await locks.list()).map(({ name }) => name)).toEqual(["env-2"]);
    });
  });

  describe("settings", () => {
    it("keeps JSON by key", async () => {
      const { settings } = test.store;
      expect(await settings.get("port")).toBeUndefined();
      await settings.set("port", 8080);
      await settings.set("port", { http: [80, 8080], note: null });
      await settings.set("none", null);
      expect(await settings.get("port")).toEqual({ http: [80, 8080], note: null });
      expect(Object.isFrozen(await settings.get("port"))).toBe(true);
      expect(await settings.get("none")).toBeNull();
      expect(await settings.list()).toEqual({ none: null, port: { http: [80, 8080], note: null } });
      expect(await settings.remove("port")).toBe(true);
      expect(await settings.remove("port")).toBe(false);
    });
  });
}
