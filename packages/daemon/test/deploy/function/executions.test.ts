import { appendFile, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openExecutions, type ExecutionRecords } from "../../../src/deploy/function/executions.js";
import type { FleetObserver } from "../../../src/deploy/fleet.js";
import type { Instance } from "../../../src/run/engines/engine.js";
import { accessLine, openHarness, recordLine } from "../../observe/executions-harness.js";

let home: Awaited<ReturnType<typeof openHarness>>;
let opened: ExecutionRecords[] = [];
const warnings: string[] = [];
beforeEach(async () => {
  home = await openHarness();
});
afterEach(async () => {
  for (const one of opened) await one.close();
  opened = [];
  await home.close();
  const said = warnings.splice(0);
  if (said.length > 0) throw new Error(said.join("\n"));
});

async function open(): Promise<ExecutionRecords> {
  const records = await openExecutions({
    ...{ store: home.store, accessLog: home.accessLog, limits: { days: 7, count: 10_000 } },
    instanceDir: (id) => join(home.folder, id),
    log: { warn: (_fields, text) => void warnings.push(text) },
  });
  opened.push(records);
  return records;
}

/** As the engine starts one; `web` shapes have no file for records. */
async function startInstance(shape: "function" | "web" = "function"): Promise<Instance> {
  const { environment, store } = home;
  const releaseId = (await store.environments.get(environment.id))?.liveReleaseId ?? "";
  const row = { environmentId: environment.id, releaseId, role: "web", replica: 0 };
  const { id } = await store.instances.create(row);
  await mkdir(join(home.folder, id, "log"), { recursive: true });
  if (shape === "function") await writeFile(join(home.folder, id, "log", "executions.log"), "");
  const told = { status: { last_exit: null }, watchStatus: () => () => undefined };
  return { id, environmentId: environment.id, ...told } as unknown as Instance;
}

const say = ({ id }: Instance, ...lines: string[]): Promise<void> =>
  appendFile(join(home.folder, id, "log", "executions.log"), lines.join(""));

/** What the store keeps of instances, without the rest. */
function observer(): FleetObserver {
  return {
    started: () => Promise.resolve(),
    ended: (instance) => home.store.instances.end(instance.id),
  };
}

test("records of an instance are kept from its start to its end, and its end is written down after them", async () => {
  const records = await open();
  const order: string[] = [];
  const told = records.observe({
    started: () => Promise.resolve(),
    async ended() {
      order.push(...(await home.ids()));
    },
  });
  const instance = await startInstance();
  await told.started(instance);
  await say(instance, recordLine("x-1"));
  await writeFile(join(home.folder, instance.id, "log", "app.log"), "");
  await told.ended(instance, false);
  expect(order).toEqual(["x-1"]);
  expect(await home.store.executions.get("x-1")).toMatchObject({ version: 1, instanceId: instance.id });
  expect(await home.store.cursors.list("executions:")).toEqual([]);
  // What was taken in needs no room any more; what it said stays.
  expect(await readdir(join(home.folder, instance.id, "log"))).toEqual(["app.log"]);
});

test("what is no function has no records, and ends all the same", async () => {
  const records = await open();
  const told = records.observe(observer());
  const instance = await startInstance("web");
  await told.started(instance);
  await appendFile(home.accessLog, accessLine(home.environment.id, "x-1"));
  await told.ended(instance, false);
  expect((await home.store.instances.get(instance.id))?.endedAt).not.toBeNull();
  expect(await home.ids()).toEqual([]);
});

test("what instances wrote while no daemon ran is taken in, of those that have ended, too", async () => {
  const first = await open();
  const told = first.observe(observer());
  const [stays, ends, vanished] = [await startInstance(), await startInstance(), await startInstance()];
  for (const one of [stays, ends, vanished]) await told.started(one);
  await say(stays, recordLine("x-1"));
  await say(ends, recordLine("x-2"));
  await say(vanished, recordLine("x-3"));
  await first.catchUp();
  await first.close();
  // Forgotten since: what was read before must not come back.
  await home.store.executions.removeBeyond(home.environment.id, 0);
  await say(stays, recordLine("x-4"));
  await say(ends, recordLine("x-5"));
  const unread = await startInstance();
  await say(unread, recordLine("x-6"));
  await home.store.instances.end(ends.id);
  await rm(join(home.folder, vanished.id), { recursive: true });
  await home.reopenStore();

  const second = await open();
  await second.settle(new Set([stays.id]));
  expect((await home.ids()).toSorted()).toEqual(["x-4", "x-5", "x-6"]);
  expect(await home.store.cursors.list("executions:")).toEqual([`executions:${stays.id}`]);
  await say(stays, recordLine("x-7"));
  await second.catchUp();
  expect(await home.store.executions.get("x-7")).toMatchObject({ instanceId: stays.id });
});

test("whoever watches is told of changes, and whoever scales of pressure", async () => {
  const records = await open();
  const told = records.observe(observer());
  const instance = await startInstance();
  await told.started(instance);
  const pressures: object[] = [];
  const unwatch = records.watchPressure((pressure) => void pressures.push(pressure));
  const changed = new Promise<void>((resolve) => void records.events.watchExecutions("x-1", resolve));
  records.notes.note("x-1", { queueUs: 1, startUs: 2000 });
  const load = { pressure: { running: 2, waiting: 1 }, at: Date.now() };
  await say(instance, `2026-11-21T10:00:00Z record ${JSON.stringify(load)}\n`, recordLine("x-1"));
  await changed;
  expect(await home.store.executions.get("x-1")).toMatchObject({ queueUs: 1, startUs: 2000 });
  expect(pressures).toEqual([{ instance: instance.id, running: 2, waiting: 1 }]);
  unwatch();
  await say(instance, `2026-11-21T10:00:00Z record ${JSON.stringify(load)}\n`);
  await records.catchUp();
  expect(pressures).toHaveLength(1);
});

test("an app that is removed while it is busy takes its records along and holds up nobody", async () => {
  const records = await open();
  const told = records.observe(observer());
  const instance = await startInstance();
  await told.started(instance);
  await say(instance, recordLine("x-1"));
  await records.catchUp();
  await home.store.apps.remove(home.app.id);
  await say(instance, recordLine("x-2"));
  await told.ended(instance, false);
  expect(await home.store.executions.get("x-1")).toBeUndefined();
  expect(await home.store.executions.get("x-2")).toBeUndefined();
});
