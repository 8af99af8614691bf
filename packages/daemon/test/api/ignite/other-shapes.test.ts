import { completeConfig } from "@bloomery/contract";
import { expect, onTestFinished, test } from "vitest";
import { createExecutionHandlers } from "../../../src/api/ignite/executions.js";
import { createFunctionLogHandlers } from "../../../src/api/ignite/logs.js";
import { openStore } from "../../../src/store/index.js";

test("records, logs and events can be asked for of functions only", async () => {
  const store = await openStore({ url: "sqlite::memory:" });
  onTestFinished(() => store.close());
  const org = await store.orgs.ensure("org");
  const app = await store.apps.create({ orgId: org.id, name: "shop" });
  await store.environments.create({ appId: app.id, name: "main" });
  const build = await store.builds.create({ appId: app.id, key: "k", tree: "t" });
  const config = completeConfig({ web: { start: "true" } });
  const origin = { artifact: "a", tree: "t", config, createdBy: "ada" };
  await store.versions.create({ appId: app.id, buildId: build.id, ...origin });

  const unused = (): never => {
    throw new Error("nothing is looked up for an app of another shape");
  };
  const parts = { store, executions: { catchUp: unused }, invocations: { flush: unused } } as never;
  const records = createExecutionHandlers(parts);
  const logs = createFunctionLogHandlers(parts);
  const call = { params: { org: "org", app: "shop" }, query: { limit: 1 } } as never;
  const context = { signal: new AbortController().signal } as never;
  const refused = { code: "ERR_INVALID_ARGUMENT", message: "org:shop is not a function" };
  for (const handler of [records.igniteListExecutions, records.igniteExecutionStats])
    await expect(handler(call, context)).rejects.toMatchObject(refused);
  for (const handler of [logs.igniteAppLogs, logs.igniteAppEvents])
    await expect(handler(call, context)).rejects.toMatchObject(refused);
  for (const handler of [logs.igniteStreamAppLogs, logs.igniteStreamAppEvents])
    await expect(handler(call, context)[Symbol.asyncIterator]().next()).rejects.toMatchObject(refused);
});
