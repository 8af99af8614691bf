import { afterEach, beforeEach, expect, test } from "vitest";
import type { Caller } from "../../../src/api/caller.js";
import { createExecutionHandlers } from "../../../src/api/ignite/executions.js";
import { createExecutionEvents } from "../../../src/deploy/function/execution-events.js";
import { openHarness } from "../../observe/executions-harness.js";

let home: Awaited<ReturnType<typeof openHarness>>;
beforeEach(async () => {
  home = await openHarness();
});
afterEach(() => home.close());

const caller: Caller = {
  ...{ name: "ada", role: "admin", orgId: null, orgName: null, appId: null, appName: null },
};

test("a record that nobody was about to take in is taken in for whoever asks for it", async () => {
  const { store, environment } = home;
  let isAsked = false;
  const handlers = createExecutionHandlers({
    store,
    executions: {
      events: createExecutionEvents(),
      async catchUp() {
        isAsked = true;
        await store.executions.create({
          ...{ id: "x-late", environmentId: environment.id, kind: "direct", version: 1 },
        });
      },
    },
    invocations: { flush: async () => undefined, readAnswer: async () => undefined },
  });
  const get = handlers.igniteGetExecution as (request: object, from: object) => Promise<object>;
  const from = { caller, signal: new AbortController().signal };
  const found = await get({ params: { execution: "x-late" } }, from);
  expect(isAsked).toBe(true);
  expect(found).toMatchObject({ executionId: "x-late" });
});
