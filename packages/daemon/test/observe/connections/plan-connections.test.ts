import { describe, expect, test } from "vitest";
import type { Session } from "../../../src/observe/connections/open-book.js";
import {
  chooseSessions,
  clientKey,
  planConnections,
  planMeant,
  type InstanceFacts,
  type InstanceSocket,
  type InstanceSockets,
} from "../../../src/observe/connections/plan-connections.js";
import type { SocketRow } from "../../../src/observe/connections/read-sockets.js";

const now = Date.parse("2026-01-01T00:10:00.000Z");
const stable = "198.18.128.1";

const session = (id: string, part: Partial<Session> = {}): Session => ({
  ...{ id, peer: `192.0.2.7:${id}`, listen: "0.0.0.0:7878", since: now - 60_000 },
  ...{ local: `${stable}:${id}`, target: `${stable}:7000` },
  ...part,
});
const byDoor = { local: "unix:", target: "unix:/door" };
const row = (local: string, peer: string, part: Partial<SocketRow> = {}): SocketRow => ({
  ...{ state: "ESTAB", local, peer, bytesIn: 1, bytesOut: 2, ...part },
});
const inside = (port: string, part: Partial<SocketRow> = {}): InstanceSocket => ({
  ...row("127.0.0.1:7000", `${stable}:${port}`, part),
  target: stable,
});
const client = (port: string): [string, SocketRow] => {
  const [local, peer] = ["198.51.100.1:7878", `192.0.2.7:${port}`];
  return [clientKey(local, peer), row(local, peer, { bytesIn: 30, bytesOut: 40 })];
};
const facts = (id: string, part: Partial<InstanceFacts> = {}): InstanceFacts => ({
  ...{ id, version: 3, release: 5, state: "open", ...part },
});
const plan = (
  sessions: readonly Session[],
  instances: readonly InstanceSockets[],
  clients: readonly [string, SocketRow][],
) => planConnections({ sessions, instances, clients: new Map(clients), now });

describe("planConnections", () => {
  test("joins what nginx told with both sockets", () => {
    const old = facts("i-old", { version: 2, release: 4, state: "draining" });
    const { connections, ended } = plan(
      [session("1000"), session("2000", { since: now - 90_500 })],
      [
        { instance: facts("i-new"), sockets: [inside("1000")] },
        { instance: old, sockets: [inside("2000")] },
      ],
      [client("1000"), client("2000")],
    );
    expect(ended).toEqual([]);
    expect(connections.map(({ view }) => view)).toEqual([
      {
        ...{ id: "2000", peer: "192.0.2.7:2000", port: 7878, instance: "i-old", version: 2, release: 4 },
        ...{
          state: "draining",
          since: "2026-01-01T00:08:29.500Z",
          ageSeconds: 90,
          bytesIn: 30,
          bytesOut: 40,
        },
      },
      {
        ...{ id: "1000", peer: "192.0.2.7:1000", port: 7878, instance: "i-new", version: 3, release: 5 },
        ...{ state: "open", since: "2026-01-01T00:09:00.000Z", ageSeconds: 60, bytesIn: 30, bytesOut: 40 },
      },
    ]);
    // What is ended is the client's end: the app sees an orderly close then.
    expect(connections[0]?.socket).toMatchObject({ local: "198.51.100.1:7878", peer: "192.0.2.7:2000" });
  });

  test("leaves out what has no client any more, and says so of all but the newest", () => {
    const sockets = [
      inside("1000", { state: "CLOSE-WAIT" }),
      inside("2000"),
      inside("3000", { state: "FIN-WAIT-2" }),
    ];
    const { connections, ended } = plan(
      [session("1000"), session("2000", { since: now - 1000 })],
      [{ instance: facts("i-new"), sockets }],
      [],
    );
    expect([connections, ended]).toEqual([[], ["1000"]]);
  });

  test("of two that claim one socket the later has it", () => {
    const { connections, ended } = plan(
      [session("1000", { id: "early" }), session("1000", { id: "late" })],
      [{ instance: facts("i-new"), sockets: [inside("1000")] }],
      [client("1000")],
    );
    expect(connections.map(({ view }) => view.id)).toEqual(["late"]);
    expect(ended).toEqual(["early"]);
  });

  test("shows sockets of which nobody told as they are", () => {
    const { connections } = plan([], [{ instance: facts("i-new"), sockets: [inside("1000")] }], []);
    expect(connections).toEqual([
      {
        view: {
          ...{ id: "i-new.1000", peer: null, port: 7000, instance: "i-new", version: 3, release: 5 },
          ...{ state: "open", since: null, ageSeconds: null, bytesIn: 1, bytesOut: 2 },
        },
        socket: { local: `${stable}:1000`, peer: `${stable}:7000` },
      },
    ]);
  });

  test("knows the other end of what was connected to the instance's own address", () => {
    const direct = { ...row("127.0.0.1:7000", "198.18.0.1:1000"), target: "198.18.0.2" };
    const { connections } = plan([], [{ instance: facts("i-new"), sockets: [direct] }], []);
    expect(connections[0]?.socket).toEqual({ local: "198.18.0.1:1000", peer: "198.18.0.2:7000" });
  });

  test("gives what came by a door to the only instance it can be of, and shows its socket once", () => {
    const sessions = [session("1000", byDoor), session("2000", byDoor)];
    const clients = [client("1000"), client("2000")];
    const sockets = [inside("9000"), inside("9001"), inside("9002")];
    const views = (instances: readonly InstanceSockets[]) =>
      plan(sessions, instances, clients).connections.map(({ view }) => [view.id, view.instance]);
    expect(views([{ instance: facts("i-one"), sockets }])).toEqual([
      ["1000", "i-one"],
      ["2000", "i-one"],
      ["i-one.9002", "i-one"],
    ]);
    // Still being woken.
    expect(views([])).toEqual([
      ["1000", null],
      ["2000", null],
    ]);
    const two = ["i-one", "i-two"].map((id) => ({ instance: facts(id), sockets: [inside("9000")] }));
    expect(views(two)).toEqual([
      ["1000", null],
      ["2000", null],
    ]);
  });

  test("the daemon's own have the figures of the app's socket", () => {
    const own = session("connect-1", {
      peer: "by d%ra:x",
      listen: null,
      local: `${stable}:1000`,
      target: null,
    });
    const { connections } = plan([own], [{ instance: facts("i-new"), sockets: [inside("1000")] }], []);
    expect(connections[0]).toMatchObject({
      view: { id: "connect-1", peer: "by d%ra:x", port: 7000, bytesIn: 1, bytesOut: 2 },
      socket: { local: `${stable}:1000`, peer: `${stable}:7000` },
    });
  });
});

test("chooseSessions leaves out what belongs to other apps", () => {
  const all = [
    session("1000"),
    session("2000"),
    session("3000", { local: null, target: null }),
    session("4000", byDoor),
    session("5000", { local: "unix:", target: "unix:/other" }),
  ];
  const mapped = { ...row("[::ffff:127.0.0.1]:7000", `[::ffff:${stable}]:1000`), target: stable };
  const chosen = chooseSessions(
    all,
    [{ instance: facts("i-one"), sockets: [mapped] }],
    new Set(["unix:/door"]),
  );
  expect(chosen.map(({ id }) => id)).toEqual(["1000", "4000"]);
});

test("who arrived where clients of another port are taken in meant that one", () => {
  const relays = [{ port: 7000, at: 65_535 }];
  expect(planMeant("127.0.0.1:65535", relays)).toBe("127.0.0.1:7000");
  expect(planMeant("[::ffff:127.0.0.1]:65535", relays)).toBe("[::ffff:127.0.0.1]:7000");
  expect(planMeant("127.0.0.1:7001", relays)).toBe("127.0.0.1:7001");
  expect(planMeant("127.0.0.1:65535", [])).toBe("127.0.0.1:65535");
});
