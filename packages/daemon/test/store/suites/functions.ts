import { describe, expect, it } from "vitest";
import type { DraftWishes, FunctionFacts } from "../../../src/store/index.js";
import { createSample, lost, sampleConfig } from "../samples.js";
import type { StoreTest } from "./describe-store.js";

const wishes: DraftWishes = {
  runtime: null,
  dependencies: ["serde@1"],
  inputSchema: null,
  outputSchema: null,
};
const facts: FunctionFacts = { codeHash: "0123abcd", sdk: "0.1.0", toolchain: "1.85.0", added: ["tokio"] };
const compiled = { ok: true, artifact: "a9", config: sampleConfig, facts } as const;

export function describeFunctions(test: StoreTest): void {
  describe("functions", () => {
    it("keeps what was said, and changes it in one step", async () => {
      const { functions } = test.store;
      const { app } = await createSample(test.store);
      expect(await functions.get(app.id)).toBeUndefined();
      const made = await functions.create(app.id, { description: "says hello", scaling: { reserved: 1 } });
      expect(made.settings).toEqual({ description: "says hello", scaling: { reserved: 1 } });
      expect(Object.isFrozen(made.settings.scaling)).toBe(true);
      await expect(functions.create(app.id, {})).rejects.toMatchObject({ code: "ERR_ALREADY_EXISTS" });
      await Promise.all(
        ["a", "b", "c"].map((one) =>
          functions.update(app.id, (now) => ({ ...now, description: `${now.description ?? ""}${one}` })),
        ),
      );
      const found = await functions.get(app.id);
      expect((found?.settings.description ?? "").slice("says hello".length).split("").toSorted()).toEqual([
        "a",
        "b",
        "c",
      ]);
      expect(found?.settings.scaling).toEqual({ reserved: 1 });
      expect(await functions.ensure(app.id)).toEqual(found);
    });

    it("begins with nothing for an app that was made in another way, and ends with the app", async () => {
      const { functions, drafts, apps } = test.store;
      const { app } = await createSample(test.store);
      expect((await functions.ensure(app.id)).settings).toEqual({});
      await drafts.save(app.id, { tree: "t1", wishes });
      await apps.remove(app.id);
      expect([await functions.get(app.id), await drafts.get(app.id)]).toEqual([undefined, undefined]);
      const late = [
        () => functions.ensure(app.id),
        () => functions.update(app.id, (same) => same),
        () => drafts.save(app.id, { tree: "t1", wishes }),
      ];
      for (const change of late) await expect(change()).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
    });

    it("lists an organization's functions by name, page by page", async () => {
      const { functions, orgs, apps } = test.store;
      const { org, app } = await createSample(test.store, "web-only");
      for (const name of ["c", "a", "b"])
        await functions.create((await apps.create({ orgId: org.id, name })).id, {});
      const other = await orgs.create("other");
      await functions.create((await apps.create({ orgId: other.id, name: "x" })).id, {});
      const names = async (page: { limit?: number; after?: string }) =>
        (await functions.listApps({ orgId: org.id, ...page })).map(({ name }) => name);
      expect(await names({})).toEqual(["a", "b", "c"]);
      expect(await names({ limit: 2 })).toEqual(["a", "b"]);
      expect(await names({ limit: 2, after: "b" })).toEqual(["c"]);
      expect(app.name).toBe("web-only");
    });
  });

  describe("drafts", () => {
    it("goes from saved over compiled to published", async () => {
      const { drafts } = test.store;
      const { app } = await createSample(test.store);
      expect(await drafts.get(app.id)).toBeUndefined();
      const saved = await drafts.save(app.id, { tree: "t1", wishes });
      expect(saved).toMatchObject({ status: "saved", tree: "t1", wishes, buildId: null, config: null });
      expect(await drafts.markPublished(app.id, "b1")).toBeUndefined();

      expect(await drafts.beginCompile(saved, "b1")).toMatchObject({ status: "compiling", buildId: "b1" });
      expect(await drafts.beginCompile(saved, "b2")).toBeUndefined();
      const done = await drafts.endCompile(app.id, "b1", compiled);
      expect(done).toMatchObject({ status: "compiled", artifact: "a9", config: sampleConfig, facts });
      expect(done?.compiledAt).not.toBeNull();
      expect(await drafts.markPublished(app.id, "b2")).toBeUndefined();
      expect(await drafts.markPublished(app.id, "b1")).toMatchObject({ status: "published", artifact: "a9" });
      expect(await drafts.list()).toEqual([await drafts.get(app.id)]);
    });

    it("keeps what was compiled while code and wishes are the same, and forgets it with other ones", async () => {
      const { drafts } = test.store;
      const { app } = await createSample(test.store);
      const saved = await drafts.save(app.id, { tree: "t1", wishes });
      await drafts.beginCompile(saved, "b1");
      await drafts.endCompile(app.id, "b1", compiled);
      expect(await drafts.save(app.id, { tree: "t1", wishes: { ...wishes } })).toMatchObject({
        status: "compiled",
        artifact: "a9",
      });
      const wished = await drafts.save(app.id, { tree: "t1", wishes: { ...wishes, dependencies: [] } });
      expect(wished).toMatchObject({ status: "saved", artifact: null, buildId: null, compiledAt: null });
      expect(await drafts.save(app.id, { tree: "t2", wishes })).toMatchObject({
        status: "saved",
        tree: "t2",
      });
    });

    it("takes the end of a compile for the code it was begun with only", async () => {
      const { drafts } = test.store;
      const { app } = await createSample(test.store);
      const old = await drafts.save(app.id, { tree: "t1", wishes });
      await drafts.beginCompile(old, "b1");
      expect(await drafts.save(app.id, { tree: "t1", wishes })).toMatchObject({ status: "compiling" });
      const fresh = await drafts.save(app.id, { tree: "t2", wishes });
      expect(await drafts.beginCompile(old, "b2")).toBeUndefined();
      expect(await drafts.endCompile(app.id, "b1", compiled)).toBeUndefined();
      expect(await drafts.get(app.id)).toMatchObject({ status: "saved", tree: "t2", artifact: null });
      await drafts.beginCompile(fresh, "b3");
      expect(await drafts.endCompile(app.id, "b1", { ok: false, error: lost })).toBeUndefined();
      expect(await drafts.endCompile(app.id, "b3", { ok: false, error: lost })).toMatchObject({
        status: "failed",
        error: lost,
      });
      // The same code again is worth another try.
      expect(await drafts.save(app.id, { tree: "t2", wishes })).toMatchObject({
        status: "saved",
        error: null,
      });
    });

    it("fails what a dead daemon was compiling, and nothing else", async () => {
      const { drafts } = test.store;
      const { app } = await createSample(test.store);
      const other = await createSample(test.store, "other");
      const saved = await drafts.save(app.id, { tree: "t1", wishes });
      await drafts.beginCompile(saved, "b1");
      await drafts.save(other.app.id, { tree: "t1", wishes });
      await drafts.failUnfinished(lost);
      expect(await drafts.get(app.id)).toMatchObject({ status: "failed", error: lost, buildId: "b1" });
      expect(await drafts.get(other.app.id)).toMatchObject({ status: "saved", error: null });
    });
  });
}
