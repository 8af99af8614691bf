import { completeConfig } from "@bloomery/contract";
import { expect, onTestFinished, test } from "vitest";
import { withSettings } from "../../../src/deploy/function/with-settings.js";
import { openStore } from "../../../src/store/index.js";

test("what was said of the app wins over the code, whichever way the code came", async () => {
  const store = await openStore({ url: "sqlite::memory:" });
  onTestFinished(() => store.close());
  const org = await store.orgs.ensure("org");
  const { id } = await store.apps.create({ orgId: org.id, name: "hello" });
  const web = completeConfig({ web: { start: "./app" } });
  expect(await withSettings(store, id, web)).toBe(web);
  expect(await store.functions.get(id)).toBeUndefined();

  const config = completeConfig({ web: { start: "" }, function: { idleSeconds: 9, timeoutSeconds: 9 } });
  expect(await withSettings(store, id, config)).toEqual(config);
  // From now on the app is one of the organization's functions.
  expect(await store.functions.listApps({ orgId: org.id })).toEqual([{ appId: id, name: "hello" }]);
  await store.functions.update(id, () => ({ limits: { timeoutSecs: 5 } }));
  expect((await withSettings(store, id, config)).function).toMatchObject({
    idleSeconds: 9,
    timeoutSeconds: 5,
  });
});
