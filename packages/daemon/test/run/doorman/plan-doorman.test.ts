import { expect, test } from "vitest";
import { doormanOrder } from "@bloomery/contract";
import {
  findProtocols,
  planArguments,
  planDoorman,
  planKeep,
  planLead,
} from "../../../src/run/doorman/plan-doorman.js";

test("each protocol has a socket and a record of its own", () => {
  expect(planDoorman("/home/doorman", 7)).toEqual({
    folder: "/home/doorman",
    socket: "/home/doorman/7.sock",
    record: "/home/doorman/7.json",
  });
});

test.each([
  [["doors", "1.json", "1.sock"], [1]],
  [
    ["10.sock", "2.json", "2.json.new", "x.sock", "1.sock.new", "-1.sock", ""],
    [2, 10],
  ],
  [[], []],
])("%j knows of the protocols %j", (names, protocols) => {
  expect(findProtocols(names)).toEqual(protocols);
});

test("only root has it become somebody else", () => {
  const paths = planDoorman("/d", 1);
  expect(planArguments(paths, null)).toEqual(["doorman", "/d/1.sock"]);
  expect(planArguments(paths, { uid: 5, gid: 6 })).toEqual(["doorman", "/d/1.sock", "5:6"]);
});

test.each([
  planKeep([]),
  planKeep([{ id: "a", path: "/d/doors/a.sock", waitMs: 0.5, limit: 10 }]),
  planLead("a", { kind: "tcp", address: "198.18.0.6", port: 7878 }),
  planLead("a", { kind: "unix", path: "/d/app.sock" }),
])("%j is an order that the doorman knows", (order) => {
  expect(doormanOrder.parse(order)).toEqual(order);
});
