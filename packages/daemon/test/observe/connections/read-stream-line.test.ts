import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readStreamLine } from "../../../src/observe/connections/read-stream-line.js";

const line = (text: string): string => `2026/11/22 05:38:13 [info] 29869#29869: *12 ${text}`;
const session = "29869-12";
/** What nginx puts after the words. */
const about =
  'while proxying connection, client: 127.0.0.1, server: 127.0.0.1:47995, upstream: "127.0.0.1:47990", bytes from/to client:8/8, bytes from/to upstream:8/8';

describe("a line of nginx's stream log", () => {
  test.each([
    [
      "client 127.0.0.1:40800 connected to 127.0.0.1:47991",
      { kind: "client", peer: "127.0.0.1:40800", listen: "127.0.0.1:47991" },
    ],
    [
      "client [2001:db8::7]:47072 connected to [::]:47879",
      { kind: "client", peer: "[2001:db8::7]:47072", listen: "[::]:47879" },
    ],
    [
      "proxy 198.18.128.1:41130 connected to 198.18.128.1:7878",
      { kind: "upstream", local: "198.18.128.1:41130", target: "198.18.128.1:7878" },
    ],
    [
      "proxy unix: connected to unix:/home/a b/door.sock",
      { kind: "upstream", local: "unix:", target: "unix:/home/a b/door.sock" },
    ],
    ["client disconnected, bytes from/to client:4/4, bytes from/to upstream:4/4", { kind: "end" }],
    ["upstream disconnected, bytes from/to client:4/4, bytes from/to upstream:4/4", { kind: "end" }],
    [`connection timed out (110: Connection timed out) ${about}`, { kind: "end" }],
    [`shutdown timeout ${about}`, { kind: "end" }],
    [
      "access forbidden by rule while initializing session, client: 127.0.0.1, server: 127.0.0.1:1",
      { kind: "end" },
    ],
    ['limiting connections by zone "z" while initializing session, client: 127.0.0.1', { kind: "end" }],
  ])("%s", (text, expected) => {
    expect(readStreamLine(line(text))).toMatchObject({ ...expected, session });
  });

  test.each([
    // The next upstream may take it.
    line(`connect() failed (111: Connection refused) while connecting to upstream, client: 127.0.0.1`),
    line("upstream server temporarily disabled while connecting to upstream, client: 127.0.0.1"),
    line(`recv() failed (104: Connection reset by peer) while proxying and reading from client`),
    "2026/11/22 05:38:13 [notice] 29868#29868: signal process started",
    "client 127.0.0.1:1 connected to 127.0.0.1:2",
    "",
  ])("%j says nothing of use", (text) => {
    expect(readStreamLine(text)).toBeUndefined();
  });

  test("has the machine's own time", () => {
    const read = readStreamLine(line("client 127.0.0.1:1 connected to 127.0.0.1:2"));
    expect(read).toMatchObject({ at: new Date(2026, 10, 22, 5, 38, 13).getTime() });
  });

  test("may be any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        readStreamLine(text);
        const read = readStreamLine(line(text));
        expect(read === undefined || read.session === session).toBe(true);
      }),
    );
    const words = fc.constantFrom(
      "client",
      "proxy",
      "connected",
      "to",
      "*1",
      "[info]",
      "1#1:",
      "disconnected",
      ":",
      "",
    );
    fc.assert(fc.property(fc.array(words), (text) => void readStreamLine(line(text.join(" ")))));
  });
});
