import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planSlot } from "../../../src/store/plan-slot.js";
import { createSample, sampleConfig } from "../samples.js";
import type { StoreTest } from "./describe-store.js";

const numbers = (count: number, first: number) => Array.from({ length: count }, (_, i) => first + i);
const sorted = (values: readonly number[]) => values.toSorted((a, b) => a - b);

export function describeTogether(test: StoreTest): void {
  describe("many at once, from two daemons", () => {
    it("gives every build, version and release its own number", async () => {
      const { app, environment, build, version } = await createSample(test.store);
      const stores = [test.store, await test.openAnother()];
      const twenty = numbers(20, 0).flatMap((i) => stores[i % 2] ?? []);
      const origin = { buildId: build.id, artifact: "a", tree: "t", config: sampleConfig, createdBy: "ada" };
      const wish = { environmentId: environment.id, versionId: version.id, variables: "" };

      const builds = await Promise.all(
        twenty.map((s) => s.builds.create({ appId: app.id, key: "k", tree: "t" })),
      );
      const versions = await Promise.all(twenty.map((s) => s.versions.create({ appId: app.id, ...origin })));
      const releases = await Promise.all(twenty.map((s) => s.releases.create(wish)));
      for (const made of [builds, versions, releases]) {
        expect(sorted(made.map(({ number }) => number))).toEqual(numbers(20, 2));
      }
    });

    it("gives every app and environment its own slot", async () => {
      const { id: orgId } = await test.store.orgs.create("local");
      const stores = [test.store, await test.openAnother()];
      const twenty = numbers(20, 0).flatMap((i) => stores[i % 2] ?? []);
      const apps = await Promise.all(twenty.map((s, i) => s.apps.create({ orgId, name: `app-${i}` })));
      const environments = await Promise.all(
        twenty.map((s, i) => s.environments.create({ appId: apps[i]?.id ?? "", name: "main" })),
      );
      expect(sorted(apps.map(({ slot }) => slot))).toEqual(numbers(20, 1));
      expect(sorted(environments.map(({ slot }) => slot))).toEqual(numbers(20, 0));
    });

    it("migrates an empty database once", async () => {
      for (let round = 0; round < 3; round++) {
        await test.database.reset();
        const stores = await Promise.all(numbers(4, 0).map(() => test.openAnother()));
        const orgs = await Promise.all(stores.map(({ orgs: nouns }, i) => nouns.create(`org-${i}`)));
        expect(await stores[0]?.orgs.list()).toEqual(orgs);
      }
    });
  });

  describe("slots", () => {
    it("are unique and the smallest free one, whatever is made and removed", async () => {
      const { apps, environments, orgs } = test.store;
      const { id: orgId } = await orgs.create("local");
      const step = fc.oneof(
        { weight: 3, arbitrary: fc.constant("make" as const) },
        { weight: 2, arbitrary: fc.nat({ max: 30 }) },
      );
      let count = 0;
      const property = fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
        for (const { id } of await apps.list()) await apps.remove(id);
        const held: { id: string; app: number; environment: number }[] = [];
        for (const taken of steps) {
          if (taken === "make") {
            const app = await apps.create({ orgId, name: `app-${count++}` });
            const environment = await environments.create({ appId: app.id, name: "main" });
            expect(app.slot).toBe(
              planSlot(
                held.map((entry) => entry.app),
                1,
              ),
            );
            expect(environment.slot).toBe(
              planSlot(
                held.map((entry) => entry.environment),
                0,
              ),
            );
            held.push({ id: app.id, app: app.slot, environment: environment.slot });
          } else if (held.length > 0) {
            const [gone] = held.splice(taken % held.length, 1);
            await apps.remove(gone?.id ?? "");
          }
        }
      });
      await fc.assert(property, { numRuns: 12 });
    });
  });

  describe("transaction", () => {
    it("keeps everything, numbers included, and gives back what the work returns", async () => {
      const number = await test.store.transaction(async (nouns) => {
        const org = await nouns.orgs.create("local");
        const { app } = await nouns.apps.ensure({ orgId: org.id, name: "shop" });
        return (await nouns.builds.create({ appId: app.id, key: "k", tree: "t" })).number;
      });
      expect(number).toBe(1);
      expect(await test.store.apps.count()).toBe(1);
    });

    it("keeps nothing when the work throws", async () => {
      const work = test.store.transaction(async (nouns) => {
        await nouns.orgs.create("local");
        await nouns.orgs.create("local");
      });
      await expect(work).rejects.toMatchObject({ code: "ERR_ALREADY_EXISTS" });
      expect(await test.store.orgs.list()).toEqual([]);
      await test.store.orgs.create("local");
    });
  });

  it("refuses a database that a newer release has migrated, and leaves it alone", async () => {
    await test.store.orgs.create("local");
    await test.database.run(
      "insert into kysely_migration (name, timestamp) values ('9999-future', '2099-01-01T00:00:00.000Z')",
    );
    await expect(test.openAnother()).rejects.toMatchObject({
      code: "ERR_STORE_TOO_NEW",
      message: expect.stringContaining("9999-future") as unknown,
    });
    expect(await test.store.orgs.list()).toHaveLength(1);
  });

  it("opens what it left", async () => {
    const sample = await createSample(test.store);
    await test.store.close();
    const again = await test.openAnother();
    expect(await again.deployments.get(sample.deployment.id)).toEqual(sample.deployment);
  });

  it("closes twice, and then answers no more", async () => {
    const store = await test.openAnother();
    await Promise.all([store.close(), store.close()]);
    await store.close();
    await expect(store.orgs.list()).rejects.toThrow();
  });
}
