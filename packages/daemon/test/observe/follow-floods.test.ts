import { appendFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { accessLine, openHarness, recordLine } from "./executions-harness.js";

let home: Awaited<ReturnType<typeof openHarness>>;
beforeEach(async () => {
  home = await openHarness();
});
afterEach(() => home.close());

const id = (n: number): string => `x-${String(n).padStart(32, "0")}`;
const pressure = (running: number, waiting: number, at: number): string =>
  `2026-11-21T10:00:00Z record ${JSON.stringify({ pressure: { running, waiting }, at })}\n`;

describe("records", () => {
  test("that too many others follow are passed over, but never those that somebody waits for", async () => {
    const daemon = home.start({ kept: 10 });
    const source = await home.source("i-1");
    const lines = Array.from({ length: 3000 }, (_, n) => recordLine(n === 5 ? "x-awaited" : id(n)));
    await home.write(source, ...lines);
    await daemon.follow(source);
    await appendFile(home.accessLog, accessLine(home.environment.id, id(0)));
    await daemon.catchUp();
    const taken = daemon.taken.map((one) => one.id);
    expect(taken.length).toBeLessThan(1500);
    expect(taken[0]).toBe("x-awaited");
    expect(taken.slice(-10)).toEqual(Array.from({ length: 10 }, (_, n) => id(2990 + n)));
    // What was passed over was told of all the same.
    await appendFile(home.accessLog, accessLine(home.environment.id, "x-missed"));
    await daemon.takenIn(taken.length + 1);
    expect(daemon.taken.at(-1)).toMatchObject({ id: "x-missed" });
    expect(await home.store.executions.get(id(0))).toBeUndefined();
  });

  test("of a flood are written down by their number: the newest, and at most a block more", async () => {
    const kept = 300;
    const daemon = home.start({ kept });
    const source = await home.source("i-1");
    const lines = Array.from({ length: 4000 }, (_, n) => recordLine(id(n)));
    await home.write(source, ...lines);
    await daemon.follow(source);
    await daemon.catchUp();
    const perBlock = Math.ceil(65_536 / (lines[0]?.length ?? 1));
    expect(daemon.taken.length).toBeGreaterThanOrEqual(kept);
    expect(daemon.taken.length).toBeLessThanOrEqual(kept + perBlock);
    const ids = daemon.taken.map((one) => one.id);
    expect(ids).toEqual(Array.from({ length: ids.length }, (_, n) => id(4000 - ids.length + n)));
    // When it is over, each counts again.
    await home.write(source, recordLine(id(4000)));
    await daemon.takenIn(ids.length + 1);
    expect(daemon.taken.at(-1)?.id).toBe(id(4000));
  });

  test("that were lost are told of in a flood too", async () => {
    const daemon = home.start({ kept: 10 });
    const source = await home.source("i-1");
    const lines = Array.from({ length: 2000 }, (_, n) => recordLine(id(n), n === 7 ? { dropped: 12 } : {}));
    await home.write(source, ...lines);
    await daemon.follow(source);
    await daemon.catchUp();
    expect(daemon.taken.some((one) => one.id === id(7))).toBe(false);
    expect(home.warnings).toEqual(["records of executions were lost"]);
  });

  test("of a flood leave no note behind", async () => {
    const daemon = home.start({ kept: 10 });
    const source = await home.source("i-1");
    daemon.notes.note(id(3), { queueUs: 1, startUs: 2 });
    await home.write(source, ...Array.from({ length: 2000 }, (_, n) => recordLine(id(n))));
    await daemon.follow(source);
    await daemon.catchUp();
    expect(daemon.notes.take(id(3))).toBeUndefined();
  });
});

describe("instances", () => {
  test("tell how much an instance has to do, unless that was long ago", async () => {
    const daemon = home.start();
    const source = await home.source("i-1");
    await daemon.follow(source);
    await home.write(source, pressure(1, 9, Date.now() - 60_000));
    await daemon.catchUp();
    expect(home.pressures).toEqual([]);
    await home.write(source, pressure(4, 3, Date.now()), recordLine("x-1"), pressure(4, 1, Date.now()));
    await daemon.catchUp();
    expect(home.pressures.at(-1)).toEqual({ instance: "i-1", running: 4, waiting: 1 });
    await home.write(source, pressure(-1, 1, Date.now()), pressure(1.5, 1, Date.now()));
    await daemon.catchUp();
    expect(home.pressures.at(-1)).toEqual({ instance: "i-1", running: 4, waiting: 1 });
  });

  /** A daemon whose database does not answer until it is told to, with a round that waits for it. */
  const startHeld = async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let begun = (): void => undefined;
    const isHeld = new Promise<void>((resolve) => (begun = resolve));
    const { executions } = home.store;
    const takeIn: typeof executions.takeIn = async (...args) => {
      begun();
      await held;
      await executions.takeIn(...args);
    };
    const daemon = home.start({ store: { ...home.store, executions: { ...executions, takeIn } } });
    const source = await home.source("i-1");
    await daemon.follow(source);
    await home.write(source, recordLine("x-1"));
    await isHeld;
    return { daemon, source, release };
  };
  const many = (from: number): string[] => Array.from({ length: 700 }, (_, n) => recordLine(id(from + n)));

  test("are heard while a round takes its time, and nothing older is told after it", async () => {
    const { daemon, source, release } = await startHeld();
    const at = Date.now();
    // Blocks of their own, of which each would tell.
    const lines = [pressure(4, 9, at - 90), ...many(0), pressure(4, 2, at - 50), ...many(1000)];
    await home.write(source, ...lines, pressure(4, 7, at), recordLine("x-2"));
    const last = { instance: "i-1", running: 4, waiting: 7 };
    await vi.waitFor(() => expect(home.pressures.at(-1)).toEqual(last), { timeout: 15_000 });
    const told = [...home.pressures];
    release();
    await daemon.catchUp();
    expect(await home.store.executions.get("x-2")).toBeDefined();
    expect(home.pressures).toEqual(told);
    await home.write(source, pressure(4, 0, at));
    await daemon.catchUp();
    expect(home.pressures.at(-1)).toEqual({ instance: "i-1", running: 4, waiting: 0 });
  });

  test("are not heard through what they only write like it", async () => {
    const { daemon, source, release } = await startHeld();
    const at = Date.now();
    const word = pressure(8, 8, at).trimEnd();
    const fakes = [`x ${word}\n`, `${word.replace(" record ", " record+ ")}\n`, `${word}} \n`];
    const half = pressure(9, 9, at).slice(0, -4);
    await home.write(source, pressure(2, 1, at), ...fakes, recordLine("x-2", { error: word }), half);
    await vi.waitFor(() => expect(home.pressures).toHaveLength(1), { timeout: 15_000 });
    expect(home.pressures).toEqual([{ instance: "i-1", running: 2, waiting: 1 }]);
    release();
    await daemon.catchUp();
    expect(home.pressures).toHaveLength(1);
  });

  test("that said something of a time to come are heard all the same", async () => {
    const daemon = home.start();
    const source = await home.source("i-1");
    await daemon.follow(source);
    await home.write(source, pressure(1, 1, Date.now() + 3_600_000));
    await daemon.catchUp();
    await home.write(source, pressure(1, 2, Date.now()));
    await daemon.catchUp();
    expect(home.pressures.at(-1)).toEqual({ instance: "i-1", running: 1, waiting: 2 });
  });
});
