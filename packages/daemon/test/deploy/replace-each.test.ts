import { expect, test } from "vitest";
import { replaceEach } from "../../src/deploy/replace-each.js";
import { createHarness, orderOf, serve, type Harness } from "./live-harness.js";

const places = [0, 1, 2].map((replica) => ({ role: "web", replica }));
const orderThree = (harness: Harness) => ({ ...orderOf(harness, "live"), replicas: { web: 3 } });
const liveIds = (harness: Harness): string[] => harness.fleet.live("env-1").map(({ id }) => id);
const serveThree = async (harness: Harness): Promise<string[]> => {
  await serve(harness, "live", places);
  return liveIds(harness);
};

test("one is ready, takes its place and the old one is gone before the next begins", async () => {
  const harness = createHarness();
  const before = await serveThree(harness);
  await replaceEach(harness.walk, orderThree(harness), harness.parts);
  await harness.fleet.settle();
  const all = "live,live,live";
  expect(harness.events).toEqual([
    "state starting",
    ...["start live", "prepare live", `point ${all}`, "drain live"],
    ...["start live", `point ${all}`, "drain live"],
    ...["start live", `point ${all}`, "drain live"],
    ...["state switching", "commit", "refresh"],
  ]);
  expect(liveIds(harness)).toHaveLength(3);
  expect(liveIds(harness).filter((id) => before.includes(id))).toEqual([]);
});

test("a place that is empty is filled, and what is missing at the end is looked after", async () => {
  const harness = createHarness();
  await serve(harness, "live", places.slice(0, 1));
  await replaceEach(harness.walk, orderThree(harness), harness.parts);
  expect(harness.events.filter((event) => event === "drain live")).toHaveLength(1);
  expect(liveIds(harness)).toHaveLength(3);
  expect(harness.events).not.toContain("heal");
});

test("one that does not come up leaves the rest as they are, and says how far it came", async () => {
  let prepared = 0;
  const harness: Harness = createHarness({
    edge: {
      ...createHarness().parts.edge,
      point: async () => void (++prepared === 2 && harness.broken.add("live")),
    },
  });
  const before = await serveThree(harness);
  await expect(replaceEach(harness.walk, orderThree(harness), harness.parts)).rejects.toMatchObject({
    code: "ERR_START_FAILED",
    message: expect.stringContaining("; 2 of 3 replicas were replaced, the others go on") as unknown,
  });
  expect(liveIds(harness)).toHaveLength(3);
  expect(liveIds(harness).filter((id) => before.includes(id))).toEqual([before[2]]);
  expect(harness.events).not.toContain("commit");
});

test("a switch that fails leads back", async () => {
  const harness = createHarness();
  const before = await serveThree(harness);
  let pointed = 0;
  const point = async (): Promise<void> => {
    if (++pointed === 1) throw new Error("no such table");
  };
  const parts = { ...harness.parts, edge: { ...harness.parts.edge, point } };
  await expect(replaceEach(harness.walk, orderThree(harness), parts)).rejects.toThrow("0 of 3 replicas");
  expect([pointed, liveIds(harness)]).toEqual([2, before]);
  expect(harness.events.at(-1)).toBe("stop live");
});

test("who cancels does not wait for the slowest client", async () => {
  const harness = createHarness();
  await serveThree(harness);
  const fleet = {
    ...harness.fleet,
    // A client that stays.
    async retire() {
      harness.cancel();
      return new Promise<void>(() => undefined);
    },
  };
  const parts = { ...harness.parts, fleet };
  await expect(replaceEach(harness.walk, orderThree(harness), parts)).rejects.toThrow("1 of 3 replicas");
  expect(liveIds(harness)).toHaveLength(3);
});
