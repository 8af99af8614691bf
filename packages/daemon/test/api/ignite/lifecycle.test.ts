import { expect, test } from "vitest";
import { codeOf, createGate, openIgnite } from "./harness.js";

const hello = "/app/org/hello";

test("from nothing to a published function, as a newcomer types it", async () => {
  const { call, compile, live } = await openIgnite();
  const created = await call("POST", "/app/org", {
    name: "hello",
    runtime: { rust: { target: "RUST_COMPILATION_TARGET_NATIVE" } },
  });
  expect(created).toEqual({
    status: 200,
    body: {
      appId: "org/hello",
      deploymentState: "DEPLOYMENT_STATE_CREATED",
      appliedTier: "RESOURCE_TIER_MEDIUM",
      appliedLimits: { memoryMb: 512, cpuMillicores: 1000 },
    },
  });
  expect((await call("GET", `${hello}/draft`)).body["draft"]).toEqual({
    status: "DRAFT_STATUS_NONE",
    codeHash: "",
    createdAtMs: "0",
  });

  const saved = await call("POST", `${hello}/draft`, codeOf("fn handler() {}"));
  expect(saved.body["draft"]).toEqual({
    status: "DRAFT_STATUS_SAVED",
    codeHash: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
    codeKind: "CODE_KIND_SDK",
    createdAtMs: expect.stringMatching(/^\d{13}$/) as string,
  });
  const lines = await compile(hello);
  expect(lines.map(({ text }) => text)).toEqual([
    "bloom.toml:1:1: a remark",
    "Compiling hello v0.1.0",
    "Finished",
    "compiled",
  ]);
  expect(lines.at(-1)).toMatchObject({ status: "DRAFT_STATUS_COMPILED" });
  expect((await call("GET", `${hello}/draft`)).body["draft"]).toMatchObject({
    status: "DRAFT_STATUS_COMPILED",
    deployId: expect.stringMatching(/^bld-/) as string,
    added: ["tokio was added"],
  });

  const published = await call("POST", `${hello}/draft/publish`);
  expect(published).toEqual({
    status: 200,
    body: { version: 1, url: "http://hello-org.localhost:4680/" },
  });
  expect(live.events.filter((event) => event.startsWith("start"))).toHaveLength(1);
  expect((await call("GET", `${hello}/draft`)).body["draft"]).toMatchObject({
    status: "DRAFT_STATUS_PUBLISHED",
  });
  expect((await call("GET", hello)).body).toMatchObject({
    ...{ id: "org/hello", name: "hello", organizationName: "org", runtime: "rust-native" },
    ...{ deploymentState: "DEPLOYMENT_STATE_READY", activeVersion: 1 },
    limits: { memoryMb: 512, cpuMillicores: 1000, timeoutSecs: 30 },
  });
  expect((await call("GET", `${hello}/state`)).body).toEqual({
    ...{ deploymentState: "DEPLOYMENT_STATE_READY", activeVersion: 1 },
    ...{ readyReplicas: 1, wantedReplicas: 1 },
  });
});

test("versions are listed, looked at and gone back to, without a build", async () => {
  const { call, publish, built } = await openIgnite();
  await call("POST", "/app/org", { name: "hello" });
  for (const text of ["one", "two", "three"]) await publish(hello, `// ${text}`);
  const builds = built.length;

  const first = await call("GET", `${hello}/versions?limit=2`);
  expect(first.body).toMatchObject({
    versions: [
      { version: 3, status: "VERSION_STATUS_ACTIVE", sdkVersion: "0.1.0", toolchainVersion: "1.93.0" },
      { version: 2, status: "VERSION_STATUS_SUPERSEDED", runtime: "rust-native" },
    ],
    nextCursor: "2",
  });
  const rest = await call("GET", `${hello}/versions?limit=2&cursor=2`);
  expect(rest.body).toMatchObject({ versions: [{ version: 1 }] });
  expect(rest.body["nextCursor"]).toBeUndefined();

  expect(await call("POST", `${hello}/rollback`, { version: "1" })).toEqual({
    status: 200,
    body: { activeVersion: 1 },
  });
  const listed = (await call("GET", `${hello}/versions`)).body["versions"] as { createdAtMs: string }[];
  expect((await call("GET", `${hello}/versions/2`)).body).toMatchObject({
    ...{ activeVersion: 1, version: 2, id: "org/hello" },
    // Of the version, not of the function.
    createdAtMs: listed[1]?.createdAtMs,
  });
  // What was published last is one step away again, and no new version.
  expect((await call("POST", `${hello}/draft/publish`)).body).toMatchObject({ version: 3 });
  expect(built).toHaveLength(builds);
});

test("publishing what is published already publishes nothing twice", async () => {
  const { call, publish, store, live } = await openIgnite();
  await call("POST", "/app/org", { name: "hello" });
  await publish(hello, "// one");
  live.events.length = 0;
  expect((await call("POST", `${hello}/draft/publish`)).body).toMatchObject({ version: 1 });
  // Nor does the same code, saved and compiled anew.
  expect((await publish(hello, "// one")).body).toMatchObject({ version: 1 });
  expect(live.events).toEqual([]);
  const app = (await store.functions.listApps({ orgId: (await store.orgs.ensure("org")).id }))[0];
  expect(await store.versions.list({ appId: app?.appId ?? "" })).toHaveLength(1);
});

test("of two who publish at once one does it, and the other learns who", async () => {
  const { call, compile, store, gates } = await openIgnite();
  await call("POST", "/app/org", { name: "hello" });
  await call("POST", `${hello}/draft`, codeOf("// one"));
  await compile(hello);
  const [reached, reach] = createGate();
  const [opened, open] = createGate();
  gates.deployment = () => (reach(), opened);
  const first = call("POST", `${hello}/draft/publish`);
  await reached;
  expect(await call("POST", `${hello}/draft/publish`)).toMatchObject({
    status: 409,
    body: { error: { code: "ERR_DEPLOY_LOCKED", details: { actor: "ada" } } },
  });
  open();
  expect(await first).toMatchObject({ status: 200, body: { version: 1 } });
  const [app] = await store.apps.list();
  expect(await store.versions.list({ appId: app?.id ?? "" })).toHaveLength(1);
});

test("an instance that does not become ready leaves the old version and the draft as they were", async () => {
  const { call, publish, live, store, compile } = await openIgnite();
  await call("POST", "/app/org", { name: "hello" });
  await publish(hello, "// one");
  await call("POST", `${hello}/draft`, codeOf("// two"));
  await compile(hello);
  // The releases that come have unknown ids: all are broken.
  live.broken.has = () => true;
  const failed = await call("POST", `${hello}/draft/publish`);
  expect(failed).toMatchObject({ status: 422, body: { error: { code: "ERR_START_FAILED" } } });
  expect((await call("GET", hello)).body).toMatchObject({ activeVersion: 1 });
  expect((await call("GET", `${hello}/draft`)).body["draft"]).toMatchObject({
    status: "DRAFT_STATUS_COMPILED",
  });
  live.broken.has = () => false;
  expect((await call("POST", `${hello}/draft/publish`)).body).toMatchObject({ version: 2 });
  const [environment] = await store.environments.list();
  expect(environment?.liveVersionNumber).toBe(2);
});

test.each([
  ["without a draft", undefined, 404, "ERR_NOT_FOUND", "draft save org:hello --code ."],
  ["without a compile", "// one", 409, "ERR_DRAFT_NOT_COMPILED", "draft compile org:hello"],
])("publishing %s says what is missing", async (_, text, status, code, hint) => {
  const { call } = await openIgnite();
  await call("POST", "/app/org", { name: "hello" });
  if (text !== undefined) await call("POST", `${hello}/draft`, codeOf(text));
  expect(await call("POST", `${hello}/draft/publish`)).toMatchObject({
    status,
    body: { error: { code, hint: expect.stringContaining(hint) as string } },
  });
  expect(await call("POST", `${hello}/rollback`, { version: 7 })).toMatchObject({
    status: 404,
    body: { error: { code: "ERR_NOT_FOUND", message: "org:hello has no version 7" } },
  });
});

test("a function is deleted with everything, also while it is compiled", async () => {
  const { call, store, gates } = await openIgnite();
  await call("POST", "/app/org", { name: "hello" });
  await call("POST", `${hello}/draft`, codeOf("// one"));
  gates.build = () => new Promise(() => undefined);
  const { body } = await call("POST", `${hello}/draft/compile`);
  expect((await call("DELETE", hello)).body).toEqual({ appId: "org/hello" });
  expect((await call("GET", hello)).status).toBe(404);
  expect((await call("GET", `/compile/${String(body["deployId"])}/logs`)).status).toBe(404);
  expect(await store.drafts.list()).toEqual([]);
});
