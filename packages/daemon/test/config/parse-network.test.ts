import { BlockList } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseNetwork } from "../../src/config/parse-network.js";

describe("parseNetwork", () => {
  it.each([
    ["192.0.2.7", 4],
    ["0.0.0.0/0", 4],
    ["10.0.0.0/8", 4],
    ["192.0.2.7/32", 4],
    ["::/0", 6],
    ["::1", 6],
    ["2001:DB8::/32", 6],
    ["::ffff:10.0.0.0/104", 6],
    ["2001:db8::7/128", 6],
    ["1:2:3:4:5:6:7:8/128", 6],
  ])("takes %s", (text, family) => {
    expect(parseNetwork(text)).toEqual({ text, family });
  });

  it.each(["", "/", "/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/ 8", " 10.0.0.1", "10.0.0"])(
    "refuses %j",
    (text) => {
      expect(parseNetwork(text)).toHaveProperty("wrong");
    },
  );

  const length = fc.nat();
  const wanted = /write "([^"]+)", or/;

  it.each([
    ["ipv4", fc.ipV4(), 32],
    ["ipv6", fc.ipV6(), 128],
  ] as const)(
    "takes any address of %s, and of a network in it names the first",
    (family, addresses, bits) => {
      fc.assert(
        fc.property(addresses, length, (address, any) => {
          const prefix = any % (bits + 1);
          expect(parseNetwork(address)).toMatchObject({ text: address });
          const found = parseNetwork(`${address}/${prefix}`);
          const network = "wrong" in found ? (wanted.exec(found.wrong)?.[1] ?? "") : found.text;
          expect(parseNetwork(network)).toMatchObject({ text: network });
          const [first = ""] = network.split("/");
          const list = new BlockList();
          list.addSubnet(first, prefix, family);
          expect(list.check(address, family)).toBe(true);
          expect(network.endsWith(`/${prefix}`)).toBe(true);
        }),
      );
    },
  );

  it("never fails, and of what it refuses says something to write", () => {
    const pieces = fc.constantFrom(
      "1",
      "255",
      "256",
      ".",
      ":",
      "::",
      "/",
      "8",
      "33",
      "f",
      "%",
      "x",
      "-",
      " ",
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(pieces).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, (any) => {
        const found = parseNetwork(any);
        if ("wrong" in found) expect(found.wrong).toMatch(/; write /);
        else expect(found.text).toBe(any);
      }),
    );
  });
});
