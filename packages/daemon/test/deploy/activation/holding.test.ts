import { expect, test } from "vitest";
import { createHolding } from "../../../src/deploy/activation/holding.js";

const patient = new AbortController().signal;

test("who comes during a hold waits for its end, who comes after it does not", async () => {
  const holding = createHolding();
  const hold = holding.open("e", 60_000);
  const events: string[] = [];
  const waiting = holding.wait("e", patient).then(() => events.push("let in"));
  await holding.wait("other", patient);
  expect([hold.waiting, holding.has("e"), events]).toEqual([1, true, []]);
  await hold.release([]);
  await waiting;
  expect([hold.waiting, holding.has("e")]).toEqual([0, false]);
  await holding.wait("e", patient);
});

test("nobody waits longer than the hold says, or than he wants", async () => {
  const holding = createHolding();
  const hold = holding.open("e", 20);
  await expect(holding.wait("e", patient)).rejects.toMatchObject({ code: "ERR_HOLD_EXCEEDED" });
  const abort = new AbortController();
  const leaving = holding.wait("e", abort.signal);
  abort.abort(new Error("left"));
  await expect(leaving).rejects.toThrow("left");
  expect(hold.waiting).toBe(0);
  await hold.refuse();
});
