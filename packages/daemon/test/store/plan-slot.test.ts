import { expect, it } from "vitest";
import { planSlot } from "../../src/store/plan-slot.js";

it.each([
  { used: [], first: 0, slot: 0 },
  { used: [], first: 1, slot: 1 },
  { used: [1, 2, 3], first: 1, slot: 4 },
  { used: [3, 1], first: 1, slot: 2 },
  { used: [1, 2], first: 0, slot: 0 },
  { used: [0], first: 1, slot: 1 },
])("the smallest free slot from $first beside $used is $slot", ({ used, first, slot }) => {
  expect(planSlot(used, first)).toBe(slot);
});
