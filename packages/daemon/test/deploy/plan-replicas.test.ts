import { completeConfig, type PartialConfig } from "@bloomery/contract";
import { expect, test } from "vitest";
import { countNames, planPresent, planReplicas } from "../../src/deploy/plan-replicas.js";

const web = (part: Omit<PartialConfig, "web">) => completeConfig({ web: { start: "./app" }, ...part });
const sleep = (minReplicas: number) => ({ minReplicas, idleSeconds: 60 });

test.each([
  ["without a word on sleep all run", web({ replicas: 3 }), {}, 3, 3],
  ["none has to run", web({ replicas: 3, sleep: sleep(0) }), {}, 0, 3],
  ["the least number has to run", web({ replicas: 3, sleep: sleep(1) }), {}, 1, 3],
  ["the owner has set another number since", web({ replicas: 3, sleep: sleep(1) }), { web: 5 }, 1, 5],
  ["the owner has set fewer than the least number", web({ replicas: 3, sleep: sleep(2) }), { web: 1 }, 1, 1],
  ["there are only so many names", web({ replicas: 2 }), { web: 40 }, 16, 16],
  ["an old version may have asked for more", web({ replicas: 64 }), {}, 16, 16],
])("%s", (_what, config, own, least, most) => {
  const plan = planReplicas(own, config);
  expect(plan).toEqual({ least: { web: least }, first: { web: most }, most: { web: most } });
  expect(countNames(own, config)).toBe(most);
});

test("an app that is awake has all its replicas, one that rests its least number", () => {
  const config = web({ replicas: 3, sleep: sleep(1) });
  const plan = planReplicas({}, config);
  expect([0, 1, 2, 3].map((running) => planPresent(plan, config, running)["web"])).toEqual([1, 1, 3, 3]);
});

test("of a function there is one at first, and never more than there are names", () => {
  const config = completeConfig({ web: { start: "" }, function: { minReplicas: 0, maxReplicas: 40 } });
  const plan = { least: { web: 0 }, first: { web: 1 }, most: { web: 16 } };
  expect(planReplicas({ web: 5 }, config)).toEqual(plan);
});

test("a function has what its requests need", () => {
  const config = completeConfig({ web: { start: "" }, function: { minReplicas: 1, maxReplicas: 4 } });
  const plan = planReplicas({}, config);
  expect([plan.least, plan.most, planPresent(plan, config, 3)]).toEqual([{ web: 1 }, { web: 4 }, { web: 1 }]);
});
