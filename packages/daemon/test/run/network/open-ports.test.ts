import { describe, expect, test } from "vitest";
import { createOpenPorts } from "../../../src/run/network/open-ports.js";

const [a, b] = ["198.18.0.2", "198.18.0.6"] as const;

describe("what is open", () => {
  test("begins with what the kernel held, under its labels", () => {
    const before = [
      { address: a, port: 80, label: "i-a" },
      { address: a, port: 81, label: "i-a" },
      { address: b, port: 80, label: "i-b" },
    ];
    const open = createOpenPorts(before);
    expect(open.all()).toEqual(before);
    expect(open.of(a)).toEqual([80, 81]);
    open.forget(a);
    expect(open.all()).toEqual(before.slice(2));
    expect(open.of(a)).toEqual([]);
  });

  test("grows by what was told to the kernel, and not by what was planned alone", () => {
    const open = createOpenPorts([]);
    open.add(a, [], "i-a");
    expect(open.addresses()).toEqual([a]);
    const planned = open.plan(a, [443, 80, 443]);
    expect(planned).toEqual([
      { address: a, port: 443, label: "i-a" },
      { address: a, port: 80, label: "i-a" },
    ]);
    expect(open.of(a)).toEqual([]);
    open.add(a, planned);
    open.add(a, open.plan(a, [80, 8080]));
    expect(open.of(a)).toEqual([443, 80, 8080]);
    expect(open.all().every(({ label }) => label === "i-a")).toBe(true);
  });

  test.each([0, -1, 65_536, 1.5, Number.NaN])("%s is no port", (port) => {
    expect(() => createOpenPorts([]).plan(a, [80, port])).toThrow(/is not a port/);
  });
});
