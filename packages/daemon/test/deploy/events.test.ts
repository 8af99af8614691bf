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

test("an unknown deployment has no events", async () => {
  expect(await collect(hub.watch("dep-x", new AbortController().signal))).toEqual([]);
});
