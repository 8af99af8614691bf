import { describe, expect, it } from "vitest";
import { createSample } from "../samples.js";
import type { StoreTest } from "./describe-store.js";

export function describeOwners(test: StoreTest): void {
  describe("orgs", () => {
    it("makes, finds and lists them by name", async () => {
      const { orgs } = test.store;
      const zoo = await orgs.create("zoo");
      const ark = await orgs.create("ark");
      expect(zoo.id).toMatch(/^org-/);
      expect(await orgs.get(zoo.id)).toEqual(zoo);
      expect(await orgs.getByName("ark")).toEqual(ark);
      expect(await orgs.getByName("none")).toBeUndefined();
      expect(await orgs.list()).toEqual([ark, zoo]);
    });

    it("says that a name is taken", async () => {
      await test.store.orgs.create("zoo");
      await expect(test.store.orgs.create("zoo")).rejects.toMatchObject({
        code: "ERR_ALREADY_EXISTS",
        message: "the organization zoo exists already",
      });
    });

    it("ensures one org from many callers", async () => {
      const made = await Promise.all(Array.from({ length: 5 }, () => test.store.orgs.ensure("local")));
      expect(new Set(made.map((org) => org.id)).size).toBe(1);
    });

    it("removes only an org without apps", async () => {
      const { orgs, apps } = test.store;
      const { org, app } = await createSample(test.store);
      expect(await orgs.removeEmpty(org.id)).toBe(false);
      expect(await orgs.get(org.id)).toEqual(org);
      await apps.remove(app.id);
      expect(await orgs.removeEmpty(org.id)).toBe(true);
      expect(await orgs.get(org.id)).toBeUndefined();
    });
  });

  describe("tokens", () => {
    it("finds a token by its hash, with the names it is limited to", async () => {
      const { tokens } = test.store;
      const { org, app } = await createSample(test.store);
      const hash = "a".repeat(64);
      const limits = { orgId: org.id, appId: app.id };
      const token = await tokens.create({ name: "ci", role: "developer", hash, ...limits });
      expect(token).toMatchObject({ orgName: "local", appName: "shop", lastUsedAt: null, expiresAt: null });
      expect(token).not.toHaveProperty("hash");
      expect(await tokens.getValid(hash)).toEqual(token);
      expect(await tokens.getValid("b".repeat(64))).toBeUndefined();

      await tokens.touch(token.id, "2030-01-01T00:00:00.000Z");
      expect(await tokens.get(token.id)).toMatchObject({ lastUsedAt: "2030-01-01T00:00:00.000Z" });
      expect(await tokens.count()).toBe(1);
      expect(await tokens.remove(token.id)).toBe(true);
      expect(await tokens.remove(token.id)).toBe(false);
      expect(await tokens.getValid(hash)).toBeUndefined();
    });

    it("does not find an expired token, but lists it", async () => {
      const { tokens } = test.store;
      const expiresAt = "2030-01-01T00:00:00.000Z";
      const token = await tokens.create({ name: "guest", role: "viewer", hash: "h", expiresAt });
      expect(token).toMatchObject({ orgId: null, orgName: null, appId: null, appName: null });
      expect(await tokens.getValid("h", "2029-12-31T23:59:59.999Z")).toEqual(token);
      expect(await tokens.getValid("h", expiresAt)).toBeUndefined();
      expect(await tokens.list()).toEqual([token]);
    });

    it("goes with its app", async () => {
      const { tokens, apps } = test.store;
      const { org, app } = await createSample(test.store);
      await tokens.create({ name: "ci", role: "viewer", hash: "h", orgId: org.id, appId: app.id });
      await apps.remove(app.id);
      expect(await tokens.count()).toBe(0);
    });
  });

  describe("apps", () => {
    it("makes, finds, counts and lists them", async () => {
      const { apps, orgs } = test.store;
      const local = await orgs.create("local");
      const other = await orgs.create("other");
      const shop = await apps.create({ orgId: local.id, name: "shop" });
      const blog = await apps.create({ orgId: local.id, name: "blog" });
      const twin = await apps.create({ orgId: other.id, name: "shop" });
      expect([shop.slot, blog.slot, twin.slot]).toEqual([1, 2, 3]);
      expect(shop).toMatchObject({ orgId: local.id, orgName: "local", name: "shop" });
      expect(await apps.get(shop.id)).toEqual(shop);
      expect(await apps.getByName(other.id, "shop")).toEqual(twin);
      expect(await apps.getByName(other.id, "blog")).toBeUndefined();
      expect(await apps.list()).toEqual([blog, shop, twin]);
      expect(await apps.list({ orgId: other.id })).toEqual([twin]);
      expect([await apps.count(), await apps.count({ orgId: local.id })]).toEqual([3, 2]);
    });

    it("refuses a second app of the name, and an org that does not exist", async () => {
      const { apps, orgs } = test.store;
      const { id: orgId } = await orgs.create("local");
      await apps.create({ orgId, name: "shop" });
      await expect(apps.create({ orgId, name: "shop" })).rejects.toMatchObject({
        code: "ERR_ALREADY_EXISTS",
      });
      await expect(apps.create({ orgId: "org-gone", name: "x" })).rejects.toMatchObject({
        code: "ERR_NOT_FOUND",
      });
    });

    it("ensures one app from many callers, and says who made it", async () => {
      const { id: orgId } = await test.store.orgs.create("local");
      const wish = { orgId, name: "shop" };
      const made = await Promise.all(Array.from({ length: 5 }, () => test.store.apps.ensure(wish)));
      expect(made.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(made.map(({ app }) => app.id)).size).toBe(1);
    });

    it("gives an app one identity, whoever asks first", async () => {
      const { apps } = test.store;
      const { app } = await createSample(test.store);
      expect(await apps.getIdentity(app.id)).toBeUndefined();
      const ask = (index: number) =>
        apps.ensureIdentity(app.id, { projectId: `project-${index}`, projectEntropy: `sealed-${index}` });
      const answers = await Promise.all([0, 1, 2, 3].map(ask));
      expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1);
      expect(await ask(9)).toEqual(answers[0]);
      expect(await apps.getIdentity(app.id)).toEqual(answers[0]);
      const fresh = { projectId: "x", projectEntropy: "y" };
      await expect(apps.ensureIdentity("app-none", fresh)).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
    });

    it("removes an app with everything below it, and leaves the others and the activities", async () => {
      const { store } = test;
      const gone = await createSample(store, "gone");
      const kept = await createSample(store, "kept");
      const about = { type: "app.create", actor: "ada", description: "made the app" };
      const activity = await store.activities.create({
        ...about,
        appId: gone.app.id,
        parameters: { app: "gone" },
      });

      expect(await store.apps.remove(gone.app.id)).toBe(true);
      expect(await store.apps.remove(gone.app.id)).toBe(false);
      expect(await store.environments.get(gone.environment.id)).toBeUndefined();
      expect(await store.builds.get(gone.build.id)).toBeUndefined();
      expect(await store.versions.get(gone.version.id)).toBeUndefined();
      expect(await store.releases.get(gone.release.id)).toBeUndefined();
      expect(await store.deployments.get(gone.deployment.id)).toBeUndefined();
      expect(await store.instances.get(gone.instance.id)).toBeUndefined();
      expect(await store.variables.list({ appId: gone.app.id, environmentId: gone.environment.id })).toEqual(
        [],
      );
      expect(await store.activities.get(activity.id)).toEqual(activity);
      expect(await store.deployments.get(kept.deployment.id)).toEqual(kept.deployment);
      expect(await store.instances.listLive()).toMatchObject([kept.instance]);
    });
  });

  describe("environments", () => {
    it("knows what is live", async () => {
      const { environments } = test.store;
      const { app, environment, release, version } = await createSample(test.store);
      expect(environment).toMatchObject({
        ...{
          orgName: "local",
          appName: "shop",
          name: "main",
          slot: 0,
          desired: "running",
          replicas: { web: 2 },
        },
        ...{ liveReleaseId: null, liveReleaseNumber: null, liveVersionId: null, liveVersionNumber: null },
      });
      expect(Object.isFrozen(environment.replicas)).toBe(true);

      const changed = await environments.update(environment.id, { liveReleaseId: release.id });
      expect(changed).toEqual({
        ...environment,
        ...{
          liveReleaseId: release.id,
          liveReleaseNumber: 1,
          liveVersionId: version.id,
          liveVersionNumber: 1,
        },
      });
      expect(await environments.getByName(app.id, "main")).toEqual(changed);
      expect(await environments.list()).toEqual([changed]);
    });

    it("changes only what the patch names", async () => {
      const { environments } = test.store;
      const { environment } = await createSample(test.store);
      const stopped = await environments.update(environment.id, { desired: "stopped" });
      expect(stopped).toEqual({ ...environment, desired: "stopped" });
      const scaled = await environments.update(environment.id, { replicas: { web: 4 } });
      expect(scaled).toEqual({ ...environment, desired: "stopped", replicas: { web: 4 } });
      expect(await environments.update(environment.id, {})).toEqual(scaled);
      expect(environment.hookedVersionId).toBeNull();
      const hooked = await environments.update(environment.id, { hookedVersionId: "ver-1" });
      expect(hooked).toEqual({ ...scaled, hookedVersionId: "ver-1" });
      expect(await environments.update("env-none", { desired: "stopped" })).toBeUndefined();
    });

    it("is made once, listed per app, and removed with its releases", async () => {
      const { environments, releases, versions } = test.store;
      const { app, environment, release, version } = await createSample(test.store);
      const again = await environments.ensure({ appId: app.id, name: "main" });
      expect(again).toEqual({ environment, created: false });
      const { environment: next, created } = await environments.ensure({ appId: app.id, name: "next" });
      expect([created, next.slot]).toEqual([true, 1]);
      const twice = environments.create({ appId: app.id, name: "next" });
      await expect(twice).rejects.toMatchObject({ code: "ERR_ALREADY_EXISTS" });
      expect(await environments.list({ appId: app.id })).toEqual([environment, next]);
      expect(await environments.list({ appId: "app-none" })).toEqual([]);

      expect(await environments.remove(environment.id)).toBe(true);
      expect(await releases.get(release.id)).toBeUndefined();
      expect(await versions.get(version.id)).toEqual(version);
    });
  });
}
