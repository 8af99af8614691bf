import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { completeConfig, ignite, type FunctionConfig } from "@bloomery/contract";
import { mergeSettings } from "../../../src/deploy/function/merge-settings.js";
import {
  isSameProgram,
  nameTier,
  noWishes,
  planFunctionConfig,
} from "../../../src/deploy/function/plan-function-config.js";

const code = (own: Partial<FunctionConfig> = {}) =>
  completeConfig({ web: { start: "" }, function: own, limits: { memoryBytes: 300 * 1024 ** 2, cpu: 0.75 } });

describe("planFunctionConfig", () => {
  test("without settings and wishes the code has the word", () => {
    const config = code({ timeoutSeconds: 7, minReplicas: 2, maxReplicas: 3, description: "mine" });
    expect(planFunctionConfig(config, {})).toEqual(config);
  });

  test("0 says nothing", () => {
    const config = code({
      timeoutSeconds: 7,
      minReplicas: 1,
      maxReplicas: 3,
      idleSeconds: 9,
      concurrency: 4,
    });
    const scaling = {
      ...{ minReplicas: 0, maxReplicas: 0, reserved: 0 },
      ...{ maxConcurrency: 0, queueLimit: 0, idleSecs: 0 },
    };
    const limits = { memoryMb: 0, cpuMillicores: 0, timeoutSecs: 0 };
    expect(planFunctionConfig(config, { scaling, limits })).toEqual(config);
  });

  test.each<[string, ignite.AppSettings, Partial<FunctionConfig>]>([
    ["timeout", { limits: { timeoutSecs: 90 } }, { timeoutSeconds: 90 }],
    ["concurrency", { scaling: { maxConcurrency: 8 } }, { concurrency: 8 }],
    ["queue", { scaling: { queueLimit: 3 } }, { queueLimit: 3 }],
    ["idle time", { scaling: { idleSecs: 5 } }, { idleSeconds: 5 }],
    ["anonymous calls", { allowUnauthenticated: true }, { allowUnauthenticated: true }],
    ["payloads", { keepPayloads: true }, { keepPayloads: true }],
    ["tool", { mcpEnabled: true, description: "Adds." }, { mcp: true, description: "Adds." }],
    [
      "schemas",
      { inputSchema: '{"type":"object"}', outputSchema: "true" },
      { inputSchema: { type: "object" }, outputSchema: true },
    ],
    ["reserved is the least", { scaling: { reserved: 2 } }, { minReplicas: 2, maxReplicas: 2 }],
    ["the larger of both", { scaling: { reserved: 2, minReplicas: 3 } }, { minReplicas: 3, maxReplicas: 3 }],
  ])("%s: what was said wins over the code", (_, settings, expected) => {
    expect(planFunctionConfig(code(), settings).function).toEqual({ ...code().function, ...expected });
  });

  test("the most replicas that were said bound the least that the code wants", () => {
    const planned = planFunctionConfig(code({ minReplicas: 4, maxReplicas: 8 }), {
      scaling: { maxReplicas: 2 },
    });
    expect(planned.function).toMatchObject({ minReplicas: 2, maxReplicas: 2 });
  });

  test("a tier stands for memory and processor, and each of them can be said for itself", () => {
    const limitsOf = (settings: ignite.AppSettings) => planFunctionConfig(code(), settings).limits;
    expect(limitsOf({ resourceTier: "RESOURCE_TIER_LARGE" })).toMatchObject({
      memoryBytes: 1024 ** 3,
      cpu: 1,
    });
    expect(limitsOf({ resourceTier: "RESOURCE_TIER_LARGE", limits: { memoryMb: 64 } })).toMatchObject({
      memoryBytes: 64 * 1024 ** 2,
      cpu: 1,
    });
    expect(limitsOf({ limits: { cpuMillicores: 1500 } })).toMatchObject({
      memoryBytes: 300 * 1024 ** 2,
      cpu: 1.5,
    });
  });

  test("the proxy's patience grows with the timeout", () => {
    const config = code();
    const planned = planFunctionConfig(config, { limits: { timeoutSecs: 600 } });
    expect(planned.web.timeouts.readSeconds - config.web.timeouts.readSeconds).toBe(540);
  });

  test("what a draft wishes wins over what was said of the app", () => {
    const settings: ignite.AppSettings = {
      inputSchema: '{"title":"app"}',
      outputSchema: '{"title":"app"}',
      runtime: { rust: { target: "RUST_COMPILATION_TARGET_NATIVE", toolchainVersion: "1.82" } },
    };
    const wishes = {
      runtime: { rust: { target: "RUST_COMPILATION_TARGET_NATIVE", toolchainVersion: "1.93" } },
      dependencies: ["serde_json@1+raw_value", "uuid"],
      inputSchema: '{"title":"draft"}',
      outputSchema: null,
    } as const;
    const planned = planFunctionConfig(code({ dependencies: ["serde-json@1", "rand"] }), settings, wishes);
    expect(planned.toolchain).toEqual({ channel: "1.93", source: "platform" });
    expect(planned.function).toMatchObject({
      dependencies: ["rand", "serde_json@1+raw_value", "uuid"],
      inputSchema: { title: "draft" },
      outputSchema: { title: "app" },
    });
    expect(planFunctionConfig(code(), settings, noWishes).toolchain.channel).toBe("1.82");
  });

  test("another shape stays as it is", () => {
    const web = completeConfig({ web: { start: "./app" } });
    expect(planFunctionConfig(web, { limits: { memoryMb: 64 } })).toBe(web);
  });

  test("only what changes the program asks for another compile", () => {
    expect(isSameProgram(code(), planFunctionConfig(code(), { limits: { timeoutSecs: 3 } }))).toBe(true);
    expect(isSameProgram(code(), code({ dependencies: ["rand"] }))).toBe(false);
    const other = {
      runtime: { rust: { target: "RUST_COMPILATION_TARGET_NATIVE", toolchainVersion: "1.82" } },
    } as const;
    expect(isSameProgram(code(), planFunctionConfig(code(), other))).toBe(false);
  });
});

test("a memory is called by the smallest tier that has it", () => {
  const tier = (megabytes: number) => nameTier({ memoryBytes: megabytes * 1024 ** 2 });
  expect([64, 256, 300, 512, 1024, 2048, 9999].map(tier)).toEqual([
    "RESOURCE_TIER_SMALL",
    "RESOURCE_TIER_SMALL",
    "RESOURCE_TIER_MEDIUM",
    "RESOURCE_TIER_MEDIUM",
    "RESOURCE_TIER_LARGE",
    "RESOURCE_TIER_XLARGE",
    "RESOURCE_TIER_XLARGE",
  ]);
});

describe("mergeSettings", () => {
  test("changes what is named, also inside of groups", () => {
    const before = mergeSettings(
      {},
      {
        description: "old",
        limits: { memoryMb: 128, timeoutSecs: 5 },
        scaling: { maxReplicas: 4 },
      },
    );
    const after = mergeSettings(
      before,
      ignite.appSettings.parse({ limits: { memoryMb: 256 }, mcpEnabled: true }),
    );
    expect(after).toEqual({
      description: "old",
      limits: { memoryMb: 256, timeoutSecs: 5 },
      scaling: { maxReplicas: 4 },
      mcpEnabled: true,
    });
  });

  test("nothing named changes nothing, and the same again neither", () => {
    const settings = fc.record(
      {
        description: fc.string(),
        mcpEnabled: fc.boolean(),
        limits: fc.record({ memoryMb: fc.nat(9999), timeoutSecs: fc.nat(999) }, { requiredKeys: [] }),
        scaling: fc.record({ minReplicas: fc.nat(64), idleSecs: fc.nat(999) }, { requiredKeys: [] }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(settings, settings, (one, other) => {
        const both = mergeSettings(mergeSettings({}, one), other);
        expect(mergeSettings(both, {})).toEqual(both);
        expect(mergeSettings(both, other)).toEqual(both);
      }),
    );
  });

  test.each<[ignite.AppSettings, string, RegExp]>([
    [
      { scaling: { maxReplicas: 1, reserved: 2 } },
      "ERR_INVALID_ARGUMENT",
      /at most 1 replicas and at least 2/,
    ],
    [{ inputSchema: "{" }, "ERR_SCHEMA_INVALID", /input schema/],
    [{ outputSchema: "[1]" }, "ERR_SCHEMA_INVALID", /output schema/],
    [
      { runtime: { rust: { target: "RUST_COMPILATION_TARGET_WASM" } } },
      "ERR_SHAPE_UNSUPPORTED",
      /WebAssembly/,
    ],
  ])("%j is refused", (patch, refusal, message) => {
    expect(() => mergeSettings({}, patch)).toThrow(
      expect.objectContaining({ code: refusal, message: expect.stringMatching(message) as string }),
    );
  });
});
