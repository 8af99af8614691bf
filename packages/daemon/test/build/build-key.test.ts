import { completeConfig, type AppConfig } from "@bloomery/contract";
import { describe, expect, it } from "vitest";
import { buildKey, type BuildInputs } from "../../src/build/build-key.js";

const config = completeConfig({ web: { start: "./app" } });
const cargo = config.build.cargo;
const inputs: BuildInputs = { tree: "t", config, toolchain: "1.95.0", variables: { A: "1", B: "2" } };

const withBuild = (build: Partial<AppConfig["build"]>): Partial<BuildInputs> => ({
  config: { ...config, build: { ...config.build, ...build } },
});
const withConfig = (change: Partial<AppConfig>): Partial<BuildInputs> => ({
  config: { ...config, ...change },
});
const cache = { directory: "dist", watch: ["a"], allowStale: false, shareBetweenApps: false };

describe("the key of a build", () => {
  it("does not depend on the order of variables, nor on cargo when there is a hook", () => {
    expect(buildKey({ ...inputs, variables: { B: "2", A: "1" } })).toBe(buildKey(inputs));
    const hooked = withBuild({ hook: "make" });
    const other = withBuild({ hook: "make", cargo: { ...cargo, profile: "dev" } });
    expect(buildKey({ ...inputs, ...other })).toBe(buildKey({ ...inputs, ...hooked }));
  });

  it.each<[string, Partial<BuildInputs>]>([
    ["tree", { tree: "u" }],
    ["toolchain", { toolchain: "1.96.0" }],
    ["name", withConfig({ name: "other" })],
    ["value", { variables: { A: "1", B: "3" } }],
    ["variable", { variables: { A: "1" } }],
    ["hook", withBuild({ hook: "make" })],
    ["profile", withBuild({ cargo: { ...cargo, profile: "dev" } })],
    ["feature", withBuild({ cargo: { ...cargo, features: ["f"] } })],
    ["cache", withBuild({ caches: { one: cache } })],
    ["mount", withConfig({ mounts: { data: { source: "local", sourcePath: "" } } })],
  ])("changes with the %s", (_, change) => {
    expect(buildKey({ ...inputs, ...change })).not.toBe(buildKey(inputs));
  });

  it("does not change with the kind of a mount", () => {
    const mounted = (source: "local" | "tmp"): string =>
      buildKey({ ...inputs, ...withConfig({ mounts: { data: { source, sourcePath: "" } } }) });
    expect(mounted("local")).toBe(mounted("tmp"));
  });

  it.each<[string, Partial<BuildInputs>]>([
    ["start command", withConfig({ web: { ...config.web, start: "./other" } })],
    ["deploy hook", withConfig({ hooks: { deploy: "true", postDeploy: "true" } })],
    ["limits", withConfig({ limits: { ...config.limits, cpu: 2 } })],
    ["replicas", withConfig({ replicas: 3 })],
    ["access", withConfig({ access: { ssh: "admin" } })],
    ["time limit", withBuild({ timeoutSeconds: 5 })],
  ])("does not change with the %s", (_, change) => {
    expect(buildKey({ ...inputs, ...change })).toBe(buildKey(inputs));
  });
});
