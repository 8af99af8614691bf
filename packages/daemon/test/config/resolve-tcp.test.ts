import { completeTcpPort } from "@bloomery/contract";
import fc from "fast-check";
import { stringify } from "smol-toml";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config/index.js";
import { textFiles } from "./manifest-cases.js";

const crate = { "Cargo.toml": '[package]\nname = "a"\n', "src/main.rs": "", "t/a.crt": "", "t/a.key": "" };

function load(toml: string) {
  return loadConfig(textFiles({ ...crate, "bloom.toml": toml }));
}

describe("[[tcp]]", () => {
  const seconds = fc.integer({ min: 1, max: 86_400 });
  const connections = fc.integer({ min: 1, max: 1_000_000 });
  const port = fc.integer({ min: 1, max: 65_535 });
  const network = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom("10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0"));
  const table = fc.record(
    {
      port,
      target_port: port,
      allow: fc.array(network, { maxLength: 4 }),
      max_connections: connections,
      max_connections_per_address: connections,
      idle_seconds: seconds,
      drain_seconds: seconds,
      tls: fc.constant({ certificate: "t/a.crt", key: "./t//a.key" }),
      goodbye: fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 1024 }),
    },
    { requiredKeys: ["port"] },
  );

  it("says every key of every port, and the rest is as usual", () => {
    const tables = fc.uniqueArray(table, { minLength: 1, maxLength: 5, selector: ({ port: own }) => own });
    fc.assert(
      fc.property(tables, (written) => {
        const { config, problems } = load(stringify({ tcp: written }));
        expect(problems).toEqual([]);
        const expected = written.map((one) => ({
          ...completeTcpPort({ port: one.port }),
          ...(one.target_port === undefined ? {} : { targetPort: one.target_port }),
          ...(one.allow === undefined ? {} : { allow: one.allow }),
          ...(one.max_connections === undefined ? {} : { maxConnections: one.max_connections }),
          ...(one.max_connections_per_address === undefined
            ? {}
            : { maxConnectionsPerAddress: one.max_connections_per_address }),
          ...(one.idle_seconds === undefined ? {} : { idleSeconds: one.idle_seconds }),
          ...(one.drain_seconds === undefined ? {} : { drainSeconds: one.drain_seconds }),
          ...(one.tls === undefined ? {} : { tls: { certificate: "t/a.crt", key: "t/a.key" } }),
          ...(one.goodbye === undefined ? {} : { goodbye: one.goodbye }),
        }));
        expect(config?.tcp?.ports).toEqual(expected);
        expect(config?.web.drainSeconds).toBe(Math.max(...expected.map((one) => one.drainSeconds)));
      }),
      { numRuns: 60 },
    );
  });

  it("never has one public port twice, nor one port of the app spoken to in two ways", () => {
    const small = fc.integer({ min: 1, max: 4 });
    const proxy = fc.constantFrom("v1", "v2");
    const clashing = fc.record(
      { port: small, target_port: small, proxy_protocol: proxy },
      { requiredKeys: ["port"] },
    );
    fc.assert(
      fc.property(fc.array(clashing, { minLength: 1, maxLength: 4 }), (written) => {
        const { config } = load(stringify({ tcp: written }));
        const isUnique = new Set(written.map((one) => one.port)).size === written.length;
        const ways = written.map((one) => [one.target_port ?? one.port, one.proxy_protocol ?? null] as const);
        const isClear = ways.every(([target, how]) =>
          ways.every(([other, otherHow]) => other !== target || otherHow === how),
        );
        expect(config !== null).toBe(isUnique && isClear);
      }),
    );
  });

  it("goodbye is sent as it is, up to 1024 bytes of it", () => {
    const goodbye = (text: string) =>
      load(stringify({ tcp: [{ port: 1, goodbye: text }] })).config?.tcp?.ports[0]?.goodbye;
    expect(goodbye("\u0000\u001b[0m\r\n")).toBe("\u0000\u001b[0m\r\n");
    expect(goodbye("é".repeat(512))).toBe("é".repeat(512));
    expect(goodbye("é".repeat(512) + "e")).toBeUndefined();
    expect(goodbye("")).toBeNull();
  });
});

describe("the time an old instance of a tcp app has", () => {
  it.each([
    ["is the usual one of a port", 'shape = "tcp"', 300],
    ["is what [run] says", 'shape = "tcp"\n[run]\ndrain_seconds = 7', 7],
    ["is that of the most patient port", "[[tcp]]\nport = 1\ndrain_seconds = 9\n[[tcp]]\nport = 2", 300],
    ["is that of the only port", "[run]\ndrain_seconds = 7\n[[tcp]]\nport = 1\ndrain_seconds = 2", 2],
  ])("%s", (_, toml, seconds) => {
    expect(load(toml).config?.web.drainSeconds).toBe(seconds);
  });
});
