import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { plainAddress, readSockets, splitAddress } from "../../../src/observe/connections/read-sockets.js";

const figures = (more: string): string =>
  `\t bbr wscale:10,10 rto:204 rtt:0.198/0.114 ato:40 mss:1448 pmtu:65535 cwnd:11 bytes_sent:5 ${more} segs_out:4 segs_in:3 data_segs_out:1 bbr:(bw:609683952bps,mrtt:0.019) send 643555556bps lastsnd:360 app_limited rcv_space:65495 minrtt:0.019`;

describe("what ss prints", () => {
  test("is one row for each socket, figures and all", () => {
    const text = [
      "ESTAB 0      0      198.19.253.65:41130 198.19.253.65:7878 uid:65534 ino:442987 sk:1 cgroup:/ <->",
      figures("bytes_acked:6 bytes_received:7"),
      "CLOSE-WAIT 1      0      [::ffff:127.0.0.1]:7878 [::ffff:198.18.128.1]:41142 ino:4 sk:2 <->",
      figures("bytes_acked:3 bytes_received:6"),
      "FIN-WAIT-2 0      0         127.0.0.1:7878       127.0.0.1:5     ",
      figures("bytes_acked:9 bytes_received:4"),
      "SYN-SENT   0      1      10.0.0.1%eth0:80 [2001:db8::1]:443",
      "\t cubic rto:1000",
      "",
    ].join("\n");
    const mapped = { local: "[::ffff:127.0.0.1]:7878", peer: "[::ffff:198.18.128.1]:41142" };
    expect(readSockets(text)).toEqual([
      { state: "ESTAB", local: "198.19.253.65:41130", peer: "198.19.253.65:7878", bytesIn: 7, bytesOut: 6 },
      // The end that came is no byte, nor is the one that went out.
      { state: "CLOSE-WAIT", ...mapped, bytesIn: 5, bytesOut: 3 },
      { state: "FIN-WAIT-2", local: "127.0.0.1:7878", peer: "127.0.0.1:5", bytesIn: 4, bytesOut: 8 },
      { state: "SYN-SENT", local: "10.0.0.1%eth0:80", peer: "[2001:db8::1]:443", bytesIn: 0, bytesOut: 0 },
    ]);
  });

  test("leaves out what nobody has open any more, and what is no socket", () => {
    expect(
      readSockets("FIN-WAIT-2 0 0 127.0.0.1:1 127.0.0.1:2 timer:(timewait,58sec,0) ino:0 sk:0\n"),
    ).toEqual([]);
    expect(readSockets("Cannot open netlink socket\n\tESTAB\nESTAB x 0 a b\n")).toEqual([]);
  });

  test("may be any text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void readSockets(text)));
    const pieces = fc.constantFrom(
      "ESTAB",
      " 0",
      " 127.0.0.1:1",
      "\n",
      "\t",
      " bytes_acked:9",
      " ino:0",
      "[::1]:2 ",
    );
    fc.assert(
      fc.property(fc.array(pieces), (text) => {
        for (const row of readSockets(text.join("")))
          expect(row.bytesIn >= 0 && row.bytesOut >= 0).toBe(true);
      }),
    );
  });
});

test.each([
  ["[::ffff:198.18.128.1]:41142", "198.18.128.1:41142"],
  ["10.0.0.1%eth0:80", "10.0.0.1:80"],
  ["[fe80::1%eth0]:80", "[fe80::1]:80"],
  ["[2001:db8::1]:443", "[2001:db8::1]:443"],
  ["127.0.0.1:1", "127.0.0.1:1"],
])("plainAddress(%j) is %j", (given, plain) => {
  expect(plainAddress(given)).toBe(plain);
});

test.each([
  ["127.0.0.1:80", { host: "127.0.0.1", port: 80 }],
  ["[::1]:80", { host: "::1", port: 80 }],
  ["unix:", { host: "unix", port: 0 }],
  ["nowhere", { host: "nowhere", port: 0 }],
  ["a:b", { host: "a", port: 0 }],
])("splitAddress(%j)", (given, parts) => {
  expect(splitAddress(given)).toEqual(parts);
});
