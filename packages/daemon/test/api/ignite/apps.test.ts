import { describe, expect, test } from "vitest";
import { createSample } from "../../store/samples.js";
import { codeOf, createGate, openIgnite } from "./harness.js";

const hello = "/app/org/hello";

describe("making a function", () => {
  test("takes settings, variables and code in one request", async () => {
    const { call } = await openIgnite();
    const created = await call("POST", "/app/org", {
      ...{ name: "hello", description: "Says hello.", resourceTier: "RESOURCE_TIER_SMALL" },
      ...{ limits: { timeoutSecs: "9" }, scaling: { maxReplicas: "3", reserved: 1 }, storageMode: "TTL" },
      maxConcurrency: 4,
      ...{ ttlSecs: 60, inputSchema: '{"type":"object"}', mcpEnabled: true, allowUnauthenticated: true },
      ...{ env: { GREETING: "hi" }, ...codeOf("// one") },
    });
    expect(created.body).toMatchObject({
      appliedTier: "RESOURCE_TIER_SMALL",
      appliedLimits: { memoryMb: 256, cpuMillicores: 250 },
    });
    const { body } = await call("GET", hello);
    expect(body).toEqual({
      ...{ id: "org/hello", name: "hello", organizationName: "org", description: "Says hello." },
      ...{ runtime: "rust-native", resourceTier: "RESOURCE_TIER_SMALL" },
      limits: { memoryMb: 256, cpuMillicores: 250, timeoutSecs: 9 },
      scaling: {
        ...{ minReplicas: 1, maxReplicas: 3, reserved: 1, autoMode: "AUTO_MODE_DISABLED" },
        ...{ maxConcurrency: 4, queueLimit: 1000, idleSecs: 300 },
      },
      ...{ maxConcurrency: 4, storageMode: "TTL", ttlSecs: "60", keepPayloads: false },
      env: { GREETING: "hi" },
      ...{ deploymentState: "DEPLOYMENT_STATE_CREATED", activeVersion: 0, version: 0 },
      ...{ inputSchema: '{"type":"object"}', outputSchema: "", mcpEnabled: true, allowUnauthenticated: true },
      url: "http://hello-org.localhost:4680/",
      createdAtMs: expect.stringMatching(/^\d{13}$/) as string,
    });
    expect((await call("GET", `${hello}/draft`)).body["draft"]).toMatchObject({
      status: "DRAFT_STATUS_SAVED",
    });
  });

  test("an organization is made on the way by whoever may do everything, and by nobody else", async () => {
    const { call, callers, store } = await openIgnite();
    const org = await store.orgs.create("acme");
    callers["limited"] = {
      ...{ name: "lim", role: "admin", orgId: org.id, orgName: "acme" },
      ...{ appId: null, appName: null },
    };
    const make = (path: string, secret: string) => call("POST", path, { name: "hello" }, secret);
    expect(await make("/app/fresh", "developer")).toMatchObject({
      status: 404,
      body: { error: { code: "ERR_NOT_FOUND", message: "there is no organization fresh" } },
    });
    expect((await make("/app/fresh", "limited")).status).toBe(403);
    expect(await store.orgs.getByName("fresh")).toBeUndefined();
    expect((await make("/app/fresh", "admin")).status).toBe(200);
    expect((await make("/app/acme", "limited")).status).toBe(200);
    expect(await make("/app/acme", "developer")).toMatchObject({
      status: 409,
      body: { error: { code: "ERR_ALREADY_EXISTS" } },
    });
  });

  test.each<[string, object, string]>([
    ["a bad name", { name: "No Good" }, "ERR_INVALID_ARGUMENT"],
    ["an unknown tier", { name: "hello", resourceTier: "HUGE" }, "ERR_INVALID_ARGUMENT"],
    ["a word that nobody knows", { name: "hello", tier: "RESOURCE_TIER_SMALL" }, "ERR_INVALID_ARGUMENT"],
    ["another inside of a part", { name: "hello", scaling: { maximumReplicas: 2 } }, "ERR_INVALID_ARGUMENT"],
    [
      "an image",
      { name: "hello", code: { image: { prebuilt: { imageRef: "hello:1" } } } },
      "ERR_INVALID_ARGUMENT",
    ],
    ["a variable of the platform's own", { name: "hello", env: { PORT: "1" } }, "ERR_INVALID_ARGUMENT"],
    ["code that is none", { name: "hello", ...codeOf("") }, "ERR_INVALID_ARGUMENT"],
    [
      "too few for its own reserve",
      { name: "hello", scaling: { reserved: 3, maxReplicas: 2 } },
      "ERR_INVALID_ARGUMENT",
    ],
    [
      "a toolchain that is a path",
      { name: "hello", runtime: { rust: { toolchainVersion: "../x" } } },
      "ERR_INVALID_ARGUMENT",
    ],
    [
      "WebAssembly",
      { name: "hello", runtime: { rust: { target: "RUST_COMPILATION_TARGET_WASM" } } },
      "ERR_SHAPE_UNSUPPORTED",
    ],
  ])("%s makes nothing", async (_, body, code) => {
    const { call, store } = await openIgnite();
    expect((await call("POST", "/app/org", body)).body).toMatchObject({ error: { code } });
    expect(await store.apps.list()).toEqual([]);
  });
});

test("a schema that is none is named once", async () => {
  const { call } = await openIgnite();
  const { body } = await call("POST", "/app/org", { name: "hello", inputSchema: '{"type": 7}' });
  expect(body).toMatchObject({
    error: {
      message: "the input schema cannot be used: must be equal to one of the allowed values at /type",
    },
  });
});

describe("changing the settings", () => {
  test("changes what is named, merges variables, and null takes one away", async () => {
    const { call, store, secrets } = await openIgnite();
    await call("POST", "/app/org", {
      ...{ name: "hello", limits: { memoryMb: 64, timeoutSecs: 9 } },
      env: { KEPT: "1", CHANGED: "1", GONE: "1" },
    });
    const [app] = await store.apps.list();
    const key = { appId: app?.id ?? "", environmentId: null };
    await store.variables.set({ ...key, name: "TOKEN", value: secrets.seal("hush"), sensitive: true });
    const { body } = await call("PATCH", `${hello}/config`, {
      ...{ limits: { memoryMb: 128 }, description: "new" },
      env: { CHANGED: "2", GONE: null, NEVER: null, TOKEN: "other" },
    });
    expect(body).toMatchObject({
      description: "new",
      limits: { memoryMb: 128, timeoutSecs: 9 },
      env: { KEPT: "1", CHANGED: "2", TOKEN: null },
    });
    expect(Object.keys(body["env"] as object).toSorted()).toEqual(["CHANGED", "KEPT", "TOKEN"]);
  });

  test("0 brings the default back", async () => {
    const { call } = await openIgnite();
    await call("POST", "/app/org", {
      name: "hello",
      limits: { timeoutSecs: 9 },
      resourceTier: "RESOURCE_TIER_LARGE",
    });
    const { body } = await call("PATCH", `${hello}/config`, { limits: { timeoutSecs: 0 } });
    expect(body).toMatchObject({ limits: { memoryMb: 1024, timeoutSecs: 60 } });
  });

  test("takes effect where it runs, as one more version of the same program", async () => {
    const { call, publish, store, built } = await openIgnite();
    await call("POST", "/app/org", { name: "hello" });
    await publish(hello, "// one");
    const { body } = await call("PATCH", `${hello}/config`, {
      allowUnauthenticated: true,
      scaling: { maxConcurrency: 4 },
    });
    expect(body).toMatchObject({
      activeVersion: 2,
      deploymentState: "DEPLOYMENT_STATE_READY",
      allowUnauthenticated: true,
    });
    const [app] = await store.apps.list();
    const [second, first] = await store.versions.list({ appId: app?.id ?? "" });
    expect(second).toMatchObject({ artifact: first?.artifact, tree: first?.tree, facts: first?.facts });
    expect(second?.config.function).toMatchObject({ allowUnauthenticated: true, concurrency: 4 });
    expect(built).toHaveLength(1);
    // What is told of the function is what serves.
    await call("POST", `${hello}/rollback`, { version: 1 });
    expect((await call("GET", hello)).body).toMatchObject({ activeVersion: 1, allowUnauthenticated: false });
    // The version before is as it was.
    expect((await call("GET", `${hello}/versions/1`)).body).toMatchObject({ allowUnauthenticated: false });
    // And publishing the same draft is no third one.
    expect((await call("POST", `${hello}/draft/publish`)).body).toMatchObject({ version: 2 });
  });

  test("variables alone make a new release, the same again makes none", async () => {
    const { call, publish, store } = await openIgnite();
    await call("POST", "/app/org", { name: "hello" });
    await publish(hello, "// one");
    const change = () => call("PATCH", `${hello}/config`, { env: { A: "1" } });
    expect((await change()).body).toMatchObject({ activeVersion: 1, env: { A: "1" } });
    const [environment] = await store.environments.list();
    expect(environment?.liveReleaseNumber).toBe(2);
    const deployments = await store.deployments.list({ environmentId: environment?.id ?? "" });
    expect(deployments.map(({ kind }) => kind)).toEqual(["variables", "deploy"]);
    // A value is sealed anew each time: what is written is compared by what it says.
    await change();
    expect((await store.environments.list())[0]?.liveReleaseNumber).toBe(2);
  });

  test("of a stopped function they are remembered, and nothing is started", async () => {
    const { call, publish, store, live } = await openIgnite();
    await call("POST", "/app/org", { name: "hello" });
    await publish(hello, "// one");
    const [environment] = await store.environments.list();
    await store.environments.update(environment?.id ?? "", { desired: "stopped" });
    live.events.length = 0;
    const { body } = await call("PATCH", `${hello}/config`, { limits: { timeoutSecs: 5 }, env: { A: "1" } });
    expect(body).toMatchObject({ deploymentState: "DEPLOYMENT_STATE_STOPPED", limits: { timeoutSecs: 5 } });
    expect(live.events).toEqual([]);
    expect((await call("POST", `${hello}/draft/publish`)).body).toMatchObject({ version: 2 });
  });

  test("while something else is under way they are kept, and the same request again applies them", async () => {
    const { call, publish, gates } = await openIgnite();
    await call("POST", "/app/org", { name: "hello" });
    await publish(hello, "// one");
    const [reached, reach] = createGate();
    const [opened, open] = createGate();
    gates.deployment = () => (reach(), opened);
    const first = call("PATCH", `${hello}/config`, { limits: { timeoutSecs: 5 } });
    await reached;
    expect((await call("GET", `${hello}/state`)).body).toMatchObject({
      deploymentState: "DEPLOYMENT_STATE_DEPLOYING",
    });
    const patch = { limits: { timeoutSecs: 6 } };
    expect(await call("PATCH", `${hello}/config`, patch)).toMatchObject({
      status: 409,
      body: { error: { code: "ERR_DEPLOY_LOCKED" } },
    });
    open();
    await first;
    expect((await call("PATCH", `${hello}/config`, patch)).body).toMatchObject({
      activeVersion: 3,
      limits: { timeoutSecs: 6 },
    });
  });
});

test("functions are listed page by page, and other apps are none", async () => {
  const { call, store } = await openIgnite();
  for (const name of ["c", "a", "b"]) await call("POST", "/app/org", { name });
  const org = await store.orgs.ensure("org");
  await store.apps.create({ orgId: org.id, name: "web" });
  const names = async (query: string) => {
    const { body } = await call("GET", `/app/org${query}`);
    return [(body["apps"] as { name: string }[]).map(({ name }) => name), body["nextCursor"]];
  };
  expect(await names("")).toEqual([["a", "b", "c"], undefined]);
  expect(await names("?limit=2")).toEqual([["a", "b"], "b"]);
  expect(await names("?limit=2&cursor=b")).toEqual([["c"], undefined]);
  expect((await call("GET", "/app/nowhere")).status).toBe(404);
});

test("an app of another shape is not taken for a function", async () => {
  const { call, store } = await openIgnite();
  await createSample(store);
  expect(await call("POST", "/app/local/shop/draft", codeOf("// one"))).toMatchObject({
    status: 400,
    body: { error: { message: "shop is not a function" } },
  });
});

test("replicas are told with their version, and the platform says that it is there", async () => {
  const { call, publish } = await openIgnite();
  await call("POST", "/app/org", { name: "hello" });
  await publish(hello, "// one");
  expect((await call("GET", `${hello}/replicas`)).body).toMatchObject({
    replicas: [{ replicaId: expect.stringMatching(/^i-/) as string, version: 1, state: "ready" }],
  });
  expect(await call("GET", "/health", undefined, "")).toEqual({ status: 200, body: { status: "SERVING" } });
});

describe("the log of a compile", () => {
  test("is nobody's whose token does not reach the app", async () => {
    const { call, callers, store } = await openIgnite();
    await call("POST", "/app/org", { name: "hello" });
    await call("POST", `${hello}/draft`, codeOf("// one"));
    const { body } = await call("POST", `${hello}/draft/compile`);
    const [app] = await store.apps.list();
    const { id: orgId = "" } = (await store.orgs.getByName("org")) ?? {};
    const limited = (more: object) => ({
      name: "l",
      role: "viewer" as const,
      orgName: "org",
      orgId,
      appId: null,
      appName: null,
      ...more,
    });
    callers["own-org"] = limited({});
    callers["own-app"] = limited({ appId: app?.id, appName: "hello" });
    callers["other-app"] = limited({ appId: "app-2", appName: "other" });
    callers["other-org"] = limited({ orgId: "org-2", orgName: "other" });
    const path = `/compile/${String(body["deployId"])}/logs`;
    const status = async (secret: string) => (await call("GET", path, undefined, secret)).status;
    expect(await Promise.all(["own-org", "own-app", "viewer"].map(status))).toEqual([200, 200, 200]);
    expect(await Promise.all(["other-app", "other-org", ""].map(status))).toEqual([404, 404, 401]);
    expect((await call("GET", "/compile/bld-none/logs")).status).toBe(404);
  });

  test("a role that is too small cannot change anything", async () => {
    const { call, store } = await openIgnite();
    await call("POST", "/app/org", { name: "hello" });
    const tries = await Promise.all([
      call("POST", `${hello}/draft`, codeOf("// one"), "viewer"),
      call("POST", `${hello}/draft/compile`, undefined, "viewer"),
      call("POST", `${hello}/draft/publish`, undefined, "viewer"),
      call("PATCH", `${hello}/config`, {}, "viewer"),
      call("POST", `${hello}/rollback`, { version: 1 }, "viewer"),
      call("GET", `${hello}/code`, undefined, "viewer"),
      call("DELETE", hello, undefined, "developer"),
    ]);
    expect(tries.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 403, 403]);
    expect(await store.drafts.list()).toEqual([]);
  });
});
