import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planFleet, type PresentInstance } from "../../src/deploy/plan-fleet.js";

const one = (id: string, releaseId: string, replica: number, role = "web"): PresentInstance => ({
  id,
  releaseId,
  role,
  replica,
});

describe("planFleet", () => {
  test.each([
    ["an empty environment", null, {}, [], [], [], []],
    ["a first release", "r1", { web: 2 }, [], [], ["web/0", "web/1"], []],
    ["all as wanted", "r1", { web: 1 }, [one("a", "r1", 0)], ["a"], [], []],
    ["a new release beside the old", "r2", { web: 1 }, [one("a", "r1", 0)], [], ["web/0"], ["a"]],
    ["fewer replicas", "r1", { web: 1 }, [one("a", "r1", 0), one("b", "r1", 1)], ["a"], [], ["b"]],
    [
      "one of three lost",
      "r1",
      { web: 3 },
      [one("a", "r1", 0), one("c", "r1", 2)],
      ["a", "c"],
      ["web/1"],
      [],
    ],
    ["stopped", null, { web: 1 }, [one("a", "r1", 0)], [], [], ["a"]],
    ["the same place twice", "r1", { web: 1 }, [one("a", "r1", 0), one("b", "r1", 0)], ["a"], [], ["b"]],
    [
      "a role that is gone",
      "r1",
      { web: 1 },
      [one("a", "r1", 0), one("w", "r1", 0, "mail")],
      ["a"],
      [],
      ["w"],
    ],
  ])("%s", (_name, releaseId, replicas, present, keep, start, stop) => {
    const plan = planFleet({ releaseId, replicas: replicas }, present as PresentInstance[]);
    expect(plan.keep.map((each) => each.id)).toEqual(keep);
    expect(plan.start.map((place) => `${place.role}/${place.replica}`)).toEqual(start);
    expect(plan.stop.map((each) => each.id)).toEqual(stop);
  });

  test("whatever runs, doing what the plan says gives exactly what is wanted", () => {
    const instance = fc.record({
      id: fc.uuid(),
      releaseId: fc.constantFrom("r1", "r2"),
      role: fc.constantFrom("web", "mail"),
      replica: fc.nat(4),
    });
    const replicas = fc.record({ web: fc.nat(4), mail: fc.nat(2) }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.uniqueArray(instance, { selector: (each) => each.id }), replicas, (present, wanted) => {
        const counts = wanted as Record<string, number>;
        const plan = planFleet({ releaseId: "r1", replicas: counts }, present);
        const after = [...plan.keep, ...plan.start].map((each) => `${each.role}/${each.replica}`).toSorted();
        const expected = Object.entries(counts)
          .flatMap(([role, count]) => Array.from({ length: count }, (_, index) => `${role}/${index}`))
          .toSorted();
        expect(after).toEqual(expected);
        expect(plan.keep.length + plan.stop.length).toBe(present.length);
      }),
    );
  });
});
