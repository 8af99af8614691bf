import { completeConfig, type PartialConfig } from "@bloomery/contract";
import { describe, expect, test } from "vitest";
import { instanceRecord } from "../../src/run/engines/instance-record.js";
import { assertIsolation, planNetwork } from "../../src/run/plan-network.js";

const outbound = [{ host: "db.example.com", ports: [5432, 5432] }] as const;
const only = { rules: outbound, hosts: {} };
const start = "./app";
const web = { web: { start } };
const unix = { web: { start, upstream: { socketFamily: "unix" } } } as const;
const given = { ...web, function: {} } as unknown as typeof web;

const all = { kind: "namespace", outbound: true, only: null };
const host = { kind: "host", missing: null };

type Part = Partial<PartialConfig>;
const configOf = (shape: object, part: Part) => ({
  ...completeConfig({ ...web, ...part }),
  ...("function" in shape ? { function: {} as never } : {}),
  ...(shape === unix ? { web: completeConfig(unix).web } : {}),
});

describe("what a manifest asks for", () => {
  test.each([
    ["web, with root", web, true, { network: "outbound" }, all],
    ["web, with root", web, true, { network: "outbound", outbound }, { ...all, only }],
    ["web, with root", web, true, { network: "none" }, { ...all, outbound: false }],
    ["web, with root", web, true, { network: "host" }, host],
    ["web by socket, with root", unix, true, { network: "none" }, { kind: "empty" }],
    ["web by socket, with root", unix, true, { network: "outbound" }, all],
    ["function, with root", given, true, { network: "none" }, { kind: "empty" }],
    ["function, with root", given, true, { network: "outbound", outbound }, { ...all, only }],
    ["function, with root", given, true, { network: "host" }, host],
    ["web, without", web, false, { network: "outbound" }, host],
    ["web, without", web, false, { network: "host" }, host],
    ["web by socket, without", unix, false, { network: "none" }, { kind: "empty" }],
    ["function, without", given, false, { network: "none" }, { kind: "empty" }],
    ["function, without", given, false, { network: "outbound" }, host],
  ] as const)("%s: %#", (_words, shape, hasNamespaces, part: Part, expected) => {
    expect(planNetwork(configOf(shape, part), hasNamespaces)).toEqual(expected);
    expect(assertIsolation(configOf(shape, part), { hasNamespaces, isWeakAccepted: false })).toBeNull();
  });
});

describe("what a machine without root cannot keep", () => {
  test.each([
    ["none of an app with a port", web, { network: "none" }, /network = "none"/],
    ["a list, of an app with a port", web, { outbound }, /list of places/],
    ["a list, in the machine's network", web, { network: "host", outbound }, /nothing holds/],
    ["a list, of a function", given, { network: "outbound", outbound }, /list of places/],
  ] as const)("%s is refused, or said when it is accepted", (_what, shape, part: Part, words) => {
    const config = configOf(shape, part);
    const facts = { hasNamespaces: false, isWeakAccepted: false };
    expect(() => assertIsolation(config, facts)).toThrow(
      expect.objectContaining({ code: "ERR_ISOLATION_UNAVAILABLE", message: expect.stringMatching(words) }),
    );
    expect(assertIsolation(config, { ...facts, isWeakAccepted: true })).toMatch(words);
  });
});

test("the hosts of a manifest count for the names in its list", () => {
  const config = configOf(web, { outbound, additionalHosts: { "DB.example.com": "192.0.2.7" } });
  expect(planNetwork(config, true)).toMatchObject({ only: { hosts: { "db.example.com": "192.0.2.7" } } });
});

test("records of older daemons have no list", () => {
  const record = {
    ...{ id: "i", environmentId: "e", releaseId: "r", role: "web", replica: 0, cgroups: [] },
    ...{ address: { kind: "unix", path: "/x" }, netnsAddress: null, outbound: true },
  };
  expect(instanceRecord.parse(record).only).toBeNull();
  const listed = JSON.parse(JSON.stringify({ ...record, only })) as unknown;
  expect(instanceRecord.parse(listed).only).toEqual(only);
});
