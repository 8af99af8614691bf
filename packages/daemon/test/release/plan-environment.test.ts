import { completeConfig } from "@bloomery/contract";
import { describe, expect, test } from "vitest";
import { assertEnvironmentFits } from "../../src/release/assert-environment-fits.js";
import { planBuildVariables } from "../../src/release/plan-build-variables.js";
import { machineName, planEnvironment, type EnvironmentFacts } from "../../src/release/plan-environment.js";
import { planRuntimeDocument } from "../../src/release/plan-runtime-document.js";

const decode = (text: string | undefined): unknown =>
  JSON.parse(Buffer.from(text ?? "", "base64").toString("utf8")) as unknown;

const config = completeConfig({
  name: "shop",
  web: {
    start: "./shop --serve",
    locations: { "/": { root: "public", passthru: true } },
  },
  variables: { LOG: "info", SHARED: "manifest", PLATFORM_ENVIRONMENT: "a lie", PORT: "1" },
  platformVariables: { "php:limit": 5, "site:names": ["a", "b"] },
  document: {
    name: "shop",
    access: { ssh: "admin" },
    relationships: { db: "db:postgresql" },
    crons: { nightly: {} },
    hooks: { build: "make", deploy: "migrate", post_deploy: "warm" },
    web: { commands: { start: "./shop" }, mounts: { "/cache": "tmp" } },
    workers: { queue: { commands: { start: "work" }, mounts: {} } },
    mounts: { "/data": { source: "local", source_path: "data" } },
  },
});

const facts: EnvironmentFacts = {
  org: "local",
  app: "shop",
  environment: "main",
  tree: "t".repeat(64),
  version: 3,
  config,
  own: {
    app: { SHARED: "app", TYPED: { json: '{"b":1,"a":[true,null]}' }, "site:mode": { json: '{"x":1}' } },
    environment: { SHARED: "environment", "php:limit": "9", PLATFORM_BRANCH: "a lie" },
  },
  identity: { projectId: "abcdefghijklm", entropy: "e".repeat(56) },
  url: "http://shop-local.localhost:4680/",
};

describe("at run time", () => {
  const env = planEnvironment(facts);

  test("each level hides the ones below it, the platform's own words hide all", () => {
    expect([env["LOG"], env["SHARED"], env["TYPED"]]).toEqual([
      "info",
      "environment",
      '{"a": [true, null], "b": 1}',
    ]);
    expect(env["PLATFORM_BRANCH"]).toBe("main");
    expect(env["PLATFORM_ENVIRONMENT"]).toBe(machineName("main"));
    expect(env).not.toHaveProperty("PORT");
  });

  test.each([
    ["PLATFORM_APP_DIR", "/app"],
    ["PLATFORM_APPLICATION_NAME", "shop"],
    ["PLATFORM_APP_COMMAND", "./shop --serve"],
    ["PLATFORM_BRANCH", "main"],
    ["PLATFORM_DOCUMENT_ROOT", "/app/public"],
    ["PLATFORM_ENVIRONMENT_TYPE", "production"],
    ["PLATFORM_PROJECT", "abcdefghijklm"],
    ["PLATFORM_PROJECT_ENTROPY", "e".repeat(56)],
    ["PLATFORM_SMTP_HOST", ""],
    ["PLATFORM_TREE_ID", "t".repeat(64)],
  ])("%s is there", (name, value) => {
    expect(env[name]).toBe(value);
  });

  test.each([
    ["PLATFORM_APPLICATION", config.document],
    ["PLATFORM_RELATIONSHIPS", {}],
    ["PLATFORM_VARIABLES", { "php:limit": "9", "site:names": ["a", "b"], "site:mode": { x: 1 } }],
    [
      "PLATFORM_ROUTES",
      {
        "http://shop-local.localhost:4680/": {
          ...{ primary: true, id: null, attributes: {}, type: "upstream" },
          ...{ upstream: "shop", original_url: "http://{default}/" },
        },
      },
    ],
  ])("%s is a document", (name, value) => {
    expect(decode(env[name])).toEqual(value);
  });

  test.each([
    "CI",
    "PLATFORM_CACHE_DIR",
    "PLATFORM_OUTPUT_DIR",
    "PLATFORM_SOURCE_DIR",
    "PLATFORM_VENDOR",
    "PLATFORM_PRE_APP_COMMAND",
    "PLATFORM_POST_APP_COMMAND",
    "SOCKET",
  ])("%s is not", (name) => {
    expect(env).not.toHaveProperty(name);
  });

  test("the commands around start are told when there are any", () => {
    const web = { ...config.web, preStart: "warm", postStart: "check" };
    const told = planEnvironment({ ...facts, config: { ...config, web } });
    expect([told["PLATFORM_PRE_APP_COMMAND"], told["PLATFORM_POST_APP_COMMAND"]]).toEqual(["warm", "check"]);
  });

  test.each([
    ["main", "production"],
    ["staging", "staging"],
    ["next", "development"],
  ])("%s is %s", (environment, type) => {
    expect(planEnvironment({ ...facts, environment })["PLATFORM_ENVIRONMENT_TYPE"]).toBe(type);
  });

  test("the machine name is a function of the name alone", () => {
    expect(machineName("main")).toMatch(/^main-[a-z0-9]{7}$/);
    expect(machineName("main")).not.toBe(machineName("next").replace("next", "main"));
  });
});

describe("at build time", () => {
  const env = planBuildVariables(config, facts.own, facts.identity);

  test("the manifest without what may change without a build", () => {
    expect(decode(env["PLATFORM_APPLICATION"])).toEqual({
      name: "shop",
      hooks: { build: "make" },
      web: { mounts: { "/cache": "tmp" } },
      workers: { queue: { mounts: {} } },
      mounts: { "/data": { source: "local", source_path: "data" } },
    });
  });

  test("a worker without mounts leaves no trace: it comes and goes without a build", () => {
    const more = { queue: { mounts: {} }, mail: { commands: { start: "mail" } } };
    const changed = { ...config, document: { ...config.document, workers: more } };
    const told = planBuildVariables(changed, facts.own, facts.identity);
    expect(told["PLATFORM_APPLICATION"]).toBe(env["PLATFORM_APPLICATION"]);
  });

  test("the owner's variables, typed ones as JSON", () => {
    expect([env["SHARED"], env["TYPED"]]).toEqual(["environment", '{"a": [true, null], "b": 1}']);
    expect(decode(env["PLATFORM_VARIABLES"])).toMatchObject({ "php:limit": "9" });
  });

  test.each([
    "PLATFORM_ENVIRONMENT",
    "PLATFORM_ENVIRONMENT_TYPE",
    "PLATFORM_BRANCH",
    "PLATFORM_ROUTES",
    "PLATFORM_RELATIONSHIPS",
    "PLATFORM_SMTP_HOST",
    "PLATFORM_APP_COMMAND",
    "PLATFORM_DOCUMENT_ROOT",
    "PORT",
    "SOCKET",
  ])("%s never leaks into it", (name) => {
    expect(env).not.toHaveProperty(name);
  });
});

test("/run/config.json has limits, routes and the manifest, and no variables", () => {
  const document = JSON.parse(planRuntimeDocument(facts)) as Record<string, unknown>;
  expect(document).toMatchObject({
    info: { limits: { memory: Math.floor(config.limits.memoryBytes / 1024 ** 2), cpu: config.limits.cpu } },
    application: { name: "shop" },
    routes: { "http://shop-local.localhost:4680/": { type: "upstream" } },
  });
  expect(JSON.stringify(document)).not.toContain("e".repeat(56));
});

describe("what is larger than Linux hands to a process", () => {
  const large = (locations: number) =>
    Object.fromEntries(
      Array.from({ length: locations }, (_, at) => [`/l${at}`, { root: "public", note: "x".repeat(100) }]),
    );
  const envOf = (locations: number) => {
    const web = { commands: { start: "./shop" }, locations: large(locations) };
    return planEnvironment({ ...facts, config: { ...config, document: { ...config.document, web } } });
  };

  test("the manifest is whole as long as it fits", () => {
    const { web } = decode(envOf(500)["PLATFORM_APPLICATION"]) as { web: { locations: object } };
    expect(Object.keys(web.locations)).toHaveLength(500);
  });

  test("a manifest that does not fit has no locations in its variable", () => {
    const env = envOf(5000);
    expect(() => assertEnvironmentFits(env)).not.toThrow();
    expect(decode(env["PLATFORM_APPLICATION"])).toMatchObject({
      name: "shop",
      web: { commands: { start: "./shop" } },
    });
    expect((decode(env["PLATFORM_APPLICATION"]) as { web: object }).web).not.toHaveProperty("locations");
  });

  test("a variable that does not fit is named", () => {
    expect(() => assertEnvironmentFits({ A: "x".repeat(131_069) })).not.toThrow();
    expect(() => assertEnvironmentFits({ SMALL: "1", LARGE: "x".repeat(131_072) })).toThrow(
      "the variable LARGE has 131079 bytes with its name, but a process takes at most 131072",
    );
  });

  test("of many that do not fit together, the largest are named", () => {
    const many = Object.fromEntries(
      Array.from({ length: 20 }, (_, at) => [`V${at}`, "x".repeat(100_000 + at)]),
    );
    expect(() => assertEnvironmentFits(many)).toThrow(/the largest are V19 .*, V18 .*, V17/);
  });
});
