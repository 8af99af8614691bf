import { completeConfig } from "@bloomery/contract";
import { expect, test } from "vitest";
import { countNames, planReplicas } from "../../src/deploy/plan-replicas.js";

const web = (replicas: number) => completeConfig({ web: { start: "./shop" }, replicas });

test.each([
  ["the manifest's count", {}, 2, 2],
  ["what the owner has set since", { web: 5 }, 2, 5],
  ["no more than there are names", { web: 40 }, 2, 16],
  ["no more of an old version either", {}, 64, 16],
])("runs %s", (_which, own, inManifest, count) => {
  const all = { web: count };
  expect(planReplicas(own, web(inManifest))).toEqual({ least: all, first: all, most: all });
  expect(countNames(own, web(inManifest))).toBe(count);
});

test("of a function there is one at first, and as many as its requests need", () => {
  const config = completeConfig({ web: { start: "" }, function: { minReplicas: 0, maxReplicas: 40 } });
  expect(planReplicas({ web: 5 }, config)).toEqual({
    least: { web: 0 },
    first: { web: 1 },
    most: { web: 16 },
  });
});
