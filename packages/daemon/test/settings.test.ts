import { expect, test } from "vitest";
import { resolveSettings, type SettingsInput } from "../src/settings.js";

const resolve = (input: SettingsInput) =>
  resolveSettings(input, {}, { isRoot: true, shimPath: "/bin/bloom-shim" });

test.each<[SettingsInput, readonly string[]]>([
  [{}, ["127.0.0.1", "::1"]],
  [{ "http-address": "::1" }, ["127.0.0.1", "::1"]],
  [{ "http-address": "127.1.2.3" }, ["127.0.0.1", "::1"]],
  [{ "http-address": "0.0.0.0" }, ["0.0.0.0", "::"]],
  [{ "http-address": "192.0.2.1" }, ["0.0.0.0", "::"]],
  [{ "tcp-address": "192.0.2.1" }, ["192.0.2.1"]],
  [
    { "http-address": "0.0.0.0", "tcp-address": "127.0.0.1, 2001:db8::1,127.0.0.1" },
    ["127.0.0.1", "2001:db8::1"],
  ],
])("with %j tcp apps are served on %j", (input, addresses) => {
  expect(resolve(input).tcpAddresses).toEqual(addresses);
});

test.each(["", "localhost", "127.0.0.1,", "1.2.3", "[::1]", "fe80::1%eth0", "0.0.0.0; x"])(
  "refuses %j as addresses",
  (text) => {
    expect(() => resolve({ "tcp-address": text })).toThrowError(
      expect.objectContaining({
        code: "ERR_INVALID_ARGUMENT",
        message: expect.stringContaining("--tcp-address"),
      }),
    );
  },
);

const facts = { isRoot: true, shimPath: "/shim" };
const isWeakAccepted = (input: object, env: object = {}): boolean =>
  resolveSettings({ home: "/h", ...input }, { ...env }, facts).isWeakAccepted;

test("weaker isolation than a manifest asks for is refused unless the owner of the machine says otherwise", () => {
  expect(isWeakAccepted({})).toBe(false);
  expect(isWeakAccepted({ "weak-isolation": "accept" })).toBe(true);
  expect(isWeakAccepted({}, { BLOOM_WEAK_ISOLATION: "accept" })).toBe(true);
  expect(isWeakAccepted({ "weak-isolation": "refuse" }, { BLOOM_WEAK_ISOLATION: "accept" })).toBe(false);
  expect(() => isWeakAccepted({ "weak-isolation": "yes" })).toThrow("--weak-isolation is `yes`");
});
