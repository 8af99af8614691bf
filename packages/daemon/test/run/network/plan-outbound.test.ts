import { expect, test } from "vitest";
import { listResolvers } from "../../../src/run/network/read-resolvers.js";
import {
  parseOutbound,
  planNames,
  planOutbound,
  planOutboundRemoval,
  type OutboundList,
} from "../../../src/run/network/plan-outbound.js";

const address = "198.18.0.2";
const answers: Readonly<Record<string, readonly string[]>> = {
  "db.example.com": ["192.0.2.9", "192.0.2.7"],
  "one.example.com": ["192.0.2.1"],
};
const lookUp = (name: string): readonly string[] => answers[name] ?? [];

function rulesOf(rules: OutboundList["rules"], hosts: OutboundList["hosts"] = {}): readonly string[] {
  const text = planOutbound("t", address, { rules, hosts }, lookUp);
  const added = [...text.matchAll(/^add rule ip t only-c6120002 (.*)$/gm)].map((match) => match[1] ?? "");
  // The last two are the refusal of everything else.
  return added.slice(0, -2);
}

test("each place becomes a rule, each name its addresses, and everything else is refused", () => {
  const list: OutboundList = {
    rules: [
      { host: "10.0.0.0/8", ports: [5432, 5432] },
      { host: "DB.example.com", ports: [6000, 6010] },
      { host: "one.example.com", ports: null },
      { host: "own", ports: [80, 80] },
    ],
    hosts: { own: "192.0.2.50" },
  };
  expect(planNames(list)).toEqual(["db.example.com", "one.example.com"]);
  expect(planOutbound("t", address, list, lookUp)).toBe(
    [
      "table ip t {",
      "\tchain only-c6120002 {",
      "\t}",
      "}",
      "flush chain ip t only-c6120002",
      "add rule ip t only-c6120002 ip daddr 10.0.0.0/8 tcp dport 5432 accept",
      'add rule ip t only-c6120002 ip daddr { 192.0.2.7, 192.0.2.9 } tcp dport 6000-6010 accept comment "db.example.com"',
      'add rule ip t only-c6120002 ip daddr 192.0.2.1 meta l4proto { tcp, udp } accept comment "one.example.com"',
      "add rule ip t only-c6120002 ip daddr 192.0.2.50 tcp dport 80 accept",
      "add rule ip t only-c6120002 meta l4proto tcp reject with tcp reset",
      "add rule ip t only-c6120002 reject with icmp type admin-prohibited",
      "add element ip t listed { 198.18.0.2 : jump only-c6120002 }",
      "",
    ].join("\n"),
  );
  expect(planOutboundRemoval("t", address)).toBe(
    "delete element ip t listed { 198.18.0.2 : jump only-c6120002 }\nflush chain ip t only-c6120002\ndelete chain ip t only-c6120002\n",
  );
});

test.each([
  ["a name nobody has answered for", { host: "unknown.example.com", ports: null }],
  ["a port beyond the last", { host: "192.0.2.1", ports: [1, 65_536] }],
  ["ports the wrong way round", { host: "192.0.2.1", ports: [20, 10] }],
  ["an address that is none", { host: "999.1.1.1", ports: null }],
  ["an IPv6 address", { host: "2001:db8::1", ports: null }],
  ["what would end the rule", { host: "192.0.2.1 accept; flush ruleset", ports: null }],
  ["what would end the comment", { host: 'a" accept', ports: null }],
] as const)("%s gives no rule", (_what, rule) => {
  expect(rulesOf([rule])).toEqual([]);
});

test("answers that are no addresses do not get into a rule", () => {
  const list: OutboundList = { rules: [{ host: "evil.example", ports: null }], hosts: {} };
  const text = planOutbound("t", address, list, () => ["192.0.2.3", "::1", "1.1.1.1 accept", ""]);
  expect(text).toContain('ip daddr 192.0.2.3 meta l4proto { tcp, udp } accept comment "evil.example"');
  expect(text).not.toMatch(/::1|1\.1\.1\.1/);
});

test("what the kernel lists tells a later daemon who has a list, and what names led to", () => {
  const text = `table ip t {
\tchain only-c6120002 {
\t\tip daddr 10.0.0.0/8 tcp dport 5432 accept
\t\tip daddr { 192.0.2.7, 192.0.2.9,
\t\t\t     192.0.2.11 } tcp dport 6000-6010 accept comment "db.example.com"
\t\tip daddr 192.0.2.1 meta l4proto { 6, 17 } accept comment "one.example.com"
\t}
\tchain only-c6120006 {
\t}
}`;
  const found = parseOutbound(text);
  expect(found.instances).toEqual(["198.18.0.2", "198.18.0.6"]);
  expect([...found.names]).toEqual([
    ["db.example.com", ["192.0.2.7", "192.0.2.9", "192.0.2.11"]],
    ["one.example.com", ["192.0.2.1"]],
  ]);
});

test("only servers that a namespace can reach are asked for names", () => {
  const text =
    "search x\nnameserver 127.0.0.53\nnameserver 192.0.2.3\n nameserver 192.0.2.3\nnameserver ::1\n";
  expect(listResolvers(`${text}nameserver 999.0.0.1\n# nameserver 192.0.2.4\n`)).toEqual(["192.0.2.3"]);
});
