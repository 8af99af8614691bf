import { getEventListeners } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DeploymentEvent, DeploymentView } from "@bloomery/contract";
import { createEventHub, type EventHub } from "../../src/deploy/events.js";

let folder: string;
let hub: EventHub;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bloom-events-"));
  hub = createEventHub(folder);
});
afterEach(() => rm(folder, { recursive: true }));

const line = (text: string): DeploymentEvent => ({ type: "log", source: "build", text });
const finished: DeploymentEvent = {
  type: "finished",
  deployment: {
    id: "dep-1",
    environment: "main",
    kind: "deploy",
    state: "live",
    version: 1,
    release: 1,
    build: null,
    reused: false,
    url: "http://a/",
    tcp: null,
    error: null,
    timings: null,
    createdBy: "me",
    createdAt: "2026-01-01T00:00:00.000Z",
    finishedAt: "2026-01-01T00:00:01.000Z",
  } satisfies DeploymentView,
};

async function collect(events: AsyncIterable<DeploymentEvent>): Promise<DeploymentEvent[]> {
  const found: DeploymentEvent[] = [];
  for await (const event of events) found.push(event);
  return found;
}

test("a watcher sees what was before it and what comes, and ends with the deployment", async () => {
  const writer = hub.open("dep-1");
  writer.emit(line("one"));
  const seen = collect(hub.watch("dep-1", new AbortController().signal));
  writer.emit(line("two"));
  writer.emit(finished);
  await writer.close();
  expect(await seen).toEqual([line("one"), line("two"), finished]);
});

test("after the end the events are read from disk, without the progress", async () => {
  const writer = hub.open("dep-1");
  writer.emit({ type: "progress", phase: "compile", done: 1, total: 2 });
  writer.emit(line("one"));
  writer.emit(finished);
  await writer.close();
  const later = createEventHub(folder);
  expect(await collect(later.watch("dep-1", new AbortController().signal))).toEqual([line("one"), finished]);
});

test("a watcher that goes away ends at once", async () => {
  hub.open("dep-1");
  const abort = new AbortController();
  const seen = collect(hub.watch("dep-1", abort.signal));
  abort.abort();
  expect(await seen).toEqual([]);
});

test("of many lines the last ones are kept, with all that says what happened", async () => {
  const writer = hub.open("dep-1");
  writer.emit({ type: "warning", message: "first of all" });
  for (let index = 0; index < 25_000; index++) writer.emit(line(`line ${index}`));
  writer.emit(finished);
  const seen = await collect(hub.watch("dep-1", new AbortController().signal));
  await writer.close();
  const later = await collect(hub.watch("dep-1", new AbortController().signal));
  for (const events of [seen, later]) {
    expect(events.slice(0, 2)).toEqual([{ type: "warning", message: "first of all" }, line("line 15000")]);
    expect(events.slice(-2)).toEqual([line("line 24999"), finished]);
    expect(events).toHaveLength(10_002);
  }
});

test("a watcher in the middle of what is left out goes on with what is kept", async () => {
  const writer = hub.open("dep-1");
  writer.emit(line("seen"));
  const watch = hub.watch("dep-1", new AbortController().signal)[Symbol.asyncIterator]();
  expect((await watch.next()).value).toEqual(line("seen"));
  for (let index = 0; index < 10_001; index++) writer.emit(line(`line ${index}`));
  expect((await watch.next()).value).toEqual(line("line 1"));
});

test("watching leaves nothing behind on a signal that lives longer", async () => {
  const writer = hub.open("dep-1");
  const { signal } = new AbortController();
  const seen = collect(hub.watch("dep-1", signal));
  for (let index = 0; index < 20; index++) {
    writer.emit(line(`line ${index}`));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(getEventListeners(signal, "abort").length).toBeLessThanOrEqual(1);
  writer.emit(finished);
  expect(await seen).toHaveLength(21);
});

test("an unknown deployment has no events", async () => {
  expect(await collect(hub.watch("dep-x", new AbortController().signal))).toEqual([]);
});
