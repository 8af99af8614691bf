import { expect, test } from "vitest";
import { resolveSettings } from "../src/settings.js";

const facts = { isRoot: true, shimPath: "/shim" };
const isWeakAccepted = (input: object, env: object = {}): boolean =>
  resolveSettings({ home: "/h", ...input }, { ...env }, facts).isWeakAccepted;

test("weaker isolation than a manifest asks for is refused unless the owner of the machine says otherwise", () => {
  expect(isWeakAccepted({})).toBe(false);
  expect(isWeakAccepted({ "weak-isolation": "accept" })).toBe(true);
  expect(isWeakAccepted({}, { BLOOM_WEAK_ISOLATION: "accept" })).toBe(true);
  expect(isWeakAccepted({ "weak-isolation": "refuse" }, { BLOOM_WEAK_ISOLATION: "accept" })).toBe(false);
  expect(() => isWeakAccepted({ "weak-isolation": "yes" })).toThrow("--weak-isolation is `yes`");
});
