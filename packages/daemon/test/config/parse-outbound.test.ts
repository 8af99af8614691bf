import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseOutbound } from "../../src/config/parse-outbound.js";

describe("parseOutbound", () => {
  it.each([
    ["db.example.com:5432", "db.example.com", [5432, 5432]],
    ["DB.Example.com", "db.example.com", null],
    ["api.example.com:8000-8100", "api.example.com", [8000, 8100]],
    ["my_cache:1-65535", "my_cache", [1, 65_535]],
    ["10.0.0.0/8", "10.0.0.0/8", null],
    ["10.0.0.0/8:443", "10.0.0.0/8", [443, 443]],
    ["192.0.2.7:443", "192.0.2.7", [443, 443]],
    ["4.example.com", "4.example.com", null],
  ])("takes %s", (text, host, ports) => {
    expect(parseOutbound(text)).toEqual({ host, ports });
  });

  it.each([
    ["*", "*"],
    ["*.example.com:443", "*"],
    ["http://example.com", "of the web"],
    ["::1", "IPv6"],
    ["127.1", "not an address"],
    ["example.4:80", "not an address"],
    ["a..b", "not a host name"],
    [`${"a.".repeat(127)}a`.repeat(2), "not a host name"],
    ["a:99999999", "65535"],
    ["a:00080", "65535"],
    ["a:1-", "65535"],
    ["a:9-1", ":1-9"],
  ])("refuses %s", (text, words) => {
    expect(parseOutbound(text)).toEqual({ wrong: expect.stringContaining(words) as string });
  });

  const port = fc.integer({ min: 1, max: 65_535 });

  it("takes any port and any range of them at any name and address", () => {
    const host = fc.oneof(fc.domain(), fc.ipV4());
    fc.assert(
      fc.property(host, port, port, (name, one, other) => {
        const range = [Math.min(one, other), Math.max(one, other)];
        expect(parseOutbound(`${name}:${range.join("-")}`)).toEqual({
          host: name.toLowerCase(),
          ports: range,
        });
        expect(parseOutbound(`${name}:${one}`)).toEqual({ host: name.toLowerCase(), ports: [one, one] });
      }),
    );
  });

  it("never fails: what it takes is a name or an address and ports in order, else it says what to write", () => {
    const pieces = fc.constantFrom(
      "a",
      "1",
      "255",
      ".",
      ":",
      "/",
      "8",
      "-",
      "443",
      "*",
      "_",
      "%",
      "[",
      "]",
      " ",
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(pieces).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, (any) => {
        const found = parseOutbound(any);
        if ("wrong" in found) {
          expect(found.wrong).toMatch(/; write /);
          return;
        }
        expect(found.host).toMatch(/^[a-z0-9_./-]+$/);
        const [first, last] = found.ports ?? [1, 65_535];
        expect([1 <= first, first <= last, last <= 65_535]).toEqual([true, true, true]);
      }),
    );
  });
});
