import { expect, test } from "vitest";
import { planMissing } from "../../src/deploy/sandbox-status.js";

const none = { kind: "none" } as const;
const v2 = { kind: "v2" } as Parameters<typeof planMissing>[0]["cgroups"];

test("with root, control groups and a resolver nothing is missing", () => {
  expect(planMissing({ isRoot: true, cgroups: v2 }, ["192.0.2.53"])).toEqual([]);
});

test.each([
  [{ isRoot: true, cgroups: none }, ["192.0.2.53"], [/^no control groups/]],
  [{ isRoot: true, cgroups: v2 }, [], [/^no name server/]],
  [
    { isRoot: false, cgroups: none },
    [],
    [/^no network of their own/, /^no limits of the network/, /^no users of their own/, /^no control groups/],
  ],
] as const)("what is missing is said, one sentence for each: %#", (facts, resolvers, expected) => {
  const missing = planMissing(facts, resolvers);
  expect(missing).toHaveLength(expected.length);
  for (const [index, words] of expected.entries()) expect(missing[index]).toMatch(words);
});
