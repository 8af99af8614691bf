import { describe, expect, test } from "vitest";
import { goLive } from "../../src/deploy/go-live.js";
import { stopStart } from "../../src/deploy/stop-start.js";
import { createHarness, orderOf, serve } from "./live-harness.js";

describe("a rolling deployment", () => {
  test("prepares the new beside the old, switches, and drains the old", async () => {
    const harness = createHarness();
    await serve(harness, "old");
    await goLive(harness.walk, orderOf(harness, "new"), harness.parts);
    expect(harness.events).toEqual([
      ...["state starting", "start new", "prepare new"],
      ...["state switching", "point new", "commit", "refresh", "drain old"],
    ]);
    expect(harness.fleet.live("env-1").map((one) => one.releaseId)).toEqual(["new"]);
  });

  test("leaves the old alone when the preparation fails", async () => {
    const harness = createHarness({ prepare: () => Promise.reject(new Error("the hook failed")) });
    await serve(harness, "old");
    await expect(goLive(harness.walk, orderOf(harness, "new"), harness.parts)).rejects.toThrow(
      "the hook failed",
    );
    expect(harness.events).toEqual(["state starting", "start new", "stop new"]);
    expect(harness.fleet.live("env-1").map((one) => one.releaseId)).toEqual(["old"]);
  });

  test("goes back when it is cancelled during the preparation", async () => {
    const harness = createHarness({ prepare: async () => harness.cancel() });
    await serve(harness, "old");
    await expect(goLive(harness.walk, orderOf(harness, "new"), harness.parts)).rejects.toThrow("cancelled");
    expect(harness.events.at(-1)).toBe("stop new");
  });

  test("leads back to the old when the switch fails", async () => {
    const harness = createHarness({ commit: () => Promise.reject(new Error("the database is gone")) });
    await serve(harness, "old");
    await expect(goLive(harness.walk, orderOf(harness, "new"), harness.parts)).rejects.toThrow("database");
    expect(harness.events.slice(-2)).toEqual(["point old", "stop new"]);
    expect(harness.fleet.live("env-1").map((one) => one.releaseId)).toEqual(["old"]);
  });
});

describe("a stop-start deployment", () => {
  const holding = ["state starting", "hold", "point nobody", "drain old"];

  test("ends the old before the new begins, while requests wait", async () => {
    const harness = createHarness();
    await serve(harness, "old");
    const order = { ...orderOf(harness, "new"), previous: harness.release("old") };
    await stopStart(harness.walk, order, harness.parts);
    expect(harness.events).toEqual([
      ...holding,
      ...["start new", "prepare new", "state switching", "point new", "commit", "refresh"],
      ...["release to 1"],
    ]);
  });

  test("starts the old again when the new does not come up, and leads the requests to it", async () => {
    const harness = createHarness();
    harness.broken.add("new");
    await serve(harness, "old");
    const order = { ...orderOf(harness, "new"), previous: harness.release("old") };
    await expect(stopStart(harness.walk, order, harness.parts)).rejects.toMatchObject({
      code: "ERR_START_FAILED",
    });
    expect(harness.events).toEqual([
      ...holding,
      ...["start new", "stop new", "say starting the previous version again", "start old", "point old"],
      ...["refresh", "release to 1"],
    ]);
    expect(harness.fleet.live("env-1").map((one) => one.releaseId)).toEqual(["old"]);
  });

  test("a cancelled one brings the old back as well", async () => {
    const harness = createHarness({ prepare: async () => harness.cancel() });
    await serve(harness, "old");
    const order = { ...orderOf(harness, "new"), previous: harness.release("old") };
    await expect(stopStart(harness.walk, order, harness.parts)).rejects.toThrow("cancelled");
    expect(harness.events).toContain("start old");
    expect(harness.events).toContain("release to 1");
  });

  test("says that nothing serves when the old does not start either, and keeps trying", async () => {
    const harness = createHarness();
    await serve(harness, "old");
    harness.broken.add("new").add("old");
    const order = { ...orderOf(harness, "new"), previous: harness.release("old") };
    await expect(stopStart(harness.walk, order, harness.parts)).rejects.toMatchObject({
      code: "ERR_START_FAILED",
      message: expect.stringContaining("nothing serves this environment now") as unknown,
    });
    expect(harness.events.slice(-2)).toEqual(["refuse", "heal"]);
  });

  test("touches nothing when requests cannot be held", async () => {
    const harness = createHarness({ openHold: () => Promise.reject(new Error("no descriptors left")) });
    await serve(harness, "old");
    const order = { ...orderOf(harness, "new"), previous: harness.release("old") };
    await expect(stopStart(harness.walk, order, harness.parts)).rejects.toThrow("no descriptors left");
    expect(harness.fleet.live("env-1").map((one) => one.releaseId)).toEqual(["old"]);
    expect(harness.events).not.toContain("drain old");
  });
});
