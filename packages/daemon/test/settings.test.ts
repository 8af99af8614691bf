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
