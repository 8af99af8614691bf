import { expect, test } from "vitest";
import { parseBlock, planPlace } from "../../../src/run/network/plan-block.js";
import {
  planAdmission,
  planDismissal,
  planNamespace,
  planRuleset,
  planSwitch,
} from "../../../src/run/network/plan-ruleset.js";

const block = parseBlock("198.18.0.0/16");

test("a switch is one transaction that replaces exactly one element", () => {
  expect(planSwitch("t", "198.18.128.1", null, "198.18.0.2")).toBe(
    "add element ip t current { 198.18.128.1 : 198.18.0.2 }\n",
  );
  expect(planSwitch("t", "198.18.128.1", "198.18.0.2", "198.18.0.6")).toBe(
    "delete element ip t current { 198.18.128.1 : 198.18.0.2 }\nadd element ip t current { 198.18.128.1 : 198.18.0.6 }\n",
  );
  expect(planSwitch("t", "198.18.128.1", "198.18.0.2", null)).toBe(
    "delete element ip t current { 198.18.128.1 : 198.18.0.2 }\n",
  );
  expect(planSwitch("t", "198.18.128.1", "198.18.0.2", "198.18.0.2")).toBe("");
});

test("a label cannot leave its quotes", () => {
  const label = 'i-x" }; flush ruleset; #';
  expect(planAdmission("t", [{ address: "198.18.0.2", port: 80, label }])).toBe(
    'add element ip t open { 198.18.0.2 . 80 comment "i-xflushruleset" }\n',
  );
});

test("a dismissal holds whether or not outbound was allowed", () => {
  expect(planDismissal("t", "198.18.0.2", [80, 443])).toBe(
    [
      "add element ip t outbound { 198.18.0.2 }",
      "delete element ip t outbound { 198.18.0.2 }",
      "delete element ip t open { 198.18.0.2 . 80 }",
      "delete element ip t open { 198.18.0.2 . 443 }",
      "",
    ].join("\n"),
  );
});

test("a block outside the default range shuts itself off as well", () => {
  expect(planRuleset(parseBlock("10.99.0.0/16"))).toContain(
    "ip daddr { 10.99.0.0/16, 198.18.0.0/15, 169.254.0.0/16 } reject",
  );
  expect(planRuleset(block)).toContain("ip daddr { 198.18.0.0/15, 169.254.0.0/16 } reject");
});

test("applying the rules again flushes chains only, never what the map holds", () => {
  const flushes = planRuleset(block).match(/^flush .*$/gm) ?? [];
  expect(flushes).toHaveLength(5);
  for (const line of flushes) expect(line).toMatch(/^flush chain ip bloom_198_18_0_0_16 \w+$/);
});

test("the host's end of a link gets no IPv6 address", () => {
  expect(planNamespace(planPlace(block, 0))).toContain("link set dev bv-c6120002 addrgenmode none\n");
});
