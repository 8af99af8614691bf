import { expect, test } from "vitest";
import { compareInstances } from "../../src/observe/list-instances.js";

test("instances are in order of their names, then of versions and replicas", () => {
  const make = (org: string, app: string, environment: string, version: number, replica: number) => ({
    ...{ org, app, environment, version, role: "web", replica },
  });
  const ordered = [
    make("acme", "shop", "main", 3, 0),
    make("local", "api", "main", 1, 0),
    make("local", "api", "staging", 1, 0),
    make("local", "shop", "main", 2, 0),
    make("local", "shop", "main", 2, 10),
    make("local", "shop", "main", 10, 1),
  ];
  expect(ordered.toReversed().sort(compareInstances)).toEqual(ordered);
});
