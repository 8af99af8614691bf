import { completeTcpPort, type TcpPortConfig } from "@bloomery/contract";
import { expect, test } from "vitest";
import { planPlace, parseBlock } from "../../src/run/network/plan-block.js";
import { planRelayed } from "../../src/run/network/plan-ruleset.js";
import { planRelays, planRelaySocket } from "../../src/run/plan-relays.js";

const plan = (...ports: (Partial<TcpPortConfig> & Pick<TcpPortConfig, "port">)[]) =>
  planRelays({ ports: ports.map(completeTcpPort) });

test("each port of the app that is to be told by v2 has one, and no port has two meanings", () => {
  expect(plan({ port: 7878 }, { port: 7879, proxyProtocol: "v1" })).toEqual([]);
  expect(
    plan(
      { port: 1, targetPort: 7878, proxyProtocol: "v2" },
      { port: 2, targetPort: 7878, proxyProtocol: "v2" },
      { port: 65_534 },
      { port: 65_535, proxyProtocol: "v2" },
    ),
  ).toEqual([
    { port: 7878, at: 65_533 },
    { port: 65_535, at: 65_532 },
  ]);
});

test("the namespace leads those who come from outside, before it leads them to the app", () => {
  const place = planPlace(parseBlock("198.18.0.0/16"), 0);
  expect(planRelayed(place, plan({ port: 7878, proxyProtocol: "v2" })).split("\n")).toContain(
    'insert rule ip bloom pre iifname "eth0" ip daddr 198.18.0.2 tcp dport 7878 dnat to 127.0.0.1:65535',
  );
});

test("without a namespace it has a socket of its environment's own", () => {
  expect(planRelaySocket("/home/upstreams", "env-1", 7878)).toBe("/home/upstreams/relay-env-1-7878.sock");
});
