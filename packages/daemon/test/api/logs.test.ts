import { appendFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { completeConfig, logRoutes, type LogLine } from "@bloomery/contract";
import { createLogHandlers } from "../../src/api/routes/logs.js";
import type { CallContext } from "../../src/api/handlers.js";
import { openStore, type Store } from "../../src/store/index.js";

let folder: string;
let store: Store;
let environmentId: string;
let instance: string;
let build: string;
let abort: AbortController;
let changed: () => void = () => undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bloom-api-logs-"));
  store = await openStore({ url: "sqlite::memory:" });
  abort = new AbortController();
  const org = await store.orgs.ensure("local");
  const app = await store.apps.create({ orgId: org.id, name: "shop" });
  ({ id: environmentId } = await store.environments.create({ appId: app.id, name: "main" }));
  ({ id: build } = await store.builds.create({ appId: app.id, key: "k", tree: "t" }));
  await store.builds.update(build, { state: "running" });
  const origin = {
    artifact: "a",
    tree: "t",
    config: completeConfig({ web: { start: "true" } }),
    createdBy: "ada",
  };
  const version = await store.versions.create({ appId: app.id, buildId: build, ...origin });
  const release = { environmentId, versionId: version.id, variables: "" };
  const { id: releaseId } = await store.releases.create(release);
  await store.releases.create(release);
  ({ id: instance } = await store.instances.create({ environmentId, releaseId, role: "web", replica: 0 }));
  await mkdir(join(folder, instance));
  await writeFile(join(folder, `${build}.log`), "Compiling\n");
  await writeFile(join(folder, instance, "app.log"), `${soon(1)} out up\n${soon(2)} pre prepared\n`);
});
afterEach(async () => {
  abort.abort();
  await store.close();
  await rm(folder, { recursive: true });
});

/** A time after the build's. */
const soon = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();

function read(query: Record<string, string>): AsyncGenerator<LogLine> {
  const handlers = createLogHandlers({
    store,
    logFiles: {
      instanceDir: (id) => join(folder, id),
      build: (id) => join(folder, `${id}.log`),
      hook: (id, hook) => join(folder, "environments", id, `${hook}.log`),
      access: join(folder, "access.log"),
      error: join(folder, "error.log"),
      hostNamesOf: async () => ["shop-local.localhost"],
    },
    watchInstances(listener) {
      changed = listener;
      return () => undefined;
    },
  });
  const { params, query: schema } = logRoutes.readLogs;
  const call = {
    params: params.parse({ org: "local", app: "shop", environment: "main" }),
    query: schema.parse(query),
    body: undefined,
  };
  const caller = { name: "vera", role: "viewer", orgId: null, orgName: null, appId: null, appName: null };
  const context = { caller, signal: abort.signal, raw: Readable.from([]) } as CallContext;
  return handlers.readLogs(
    call as Parameters<typeof handlers.readLogs>[0],
    context,
  ) as AsyncGenerator<LogLine>;
}

async function texts(query: Record<string, string>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of read(query)) found.push(`${line.type} ${line.stream} ${line.text}`);
  return found;
}

test("shows the app and its hooks when nothing is asked for, with names and versions", async () => {
  expect(await texts({})).toEqual(["app stdout up", "hooks pre_start prepared"]);
  const lines = read({});
  const { value } = await lines.next();
  await lines.return(undefined);
  expect(value).toMatchObject({
    ...{ app: "shop", environment: "main", version: 1, instance, role: "web", execution: null },
  });
});

test("shows what belongs to one execution, and what its instance wrote while it was alone there", async () => {
  const said = (execution: string, message: string): string =>
    JSON.stringify({ execution, level: "info", message, fields: {} });
  const began = Date.now() + 60_000;
  const at = (ms: number): string => new Date(began + ms).toISOString();
  const lines = [
    `${at(-50)} err before`,
    `${at(3)} out plain`,
    `${at(4)} err ${said("x-1", "own")}`,
    `${at(5)} err ${said("x-2", "foreign")}`,
    `${at(900)} out after`,
  ];
  await appendFile(join(folder, instance, "app.log"), lines.map((line) => `${line}\n`).join(""));
  const uri = { uri: "/hi", method: "GET", client: "::1", agent: "", bytes: 1, request_time: 0.01 };
  const request = { at: (began + 20) / 1000, env: environmentId, status: 200, execution: "x-1", ...uri };
  await writeFile(join(folder, "access.log"), `${JSON.stringify(request)}\n`);
  const own = [`app stderr ${said("x-1", "own")}`];
  expect(await texts({ execution: "x-1" })).toEqual(own);

  const row = (id: string, from: number, to: number) => ({
    ...{ id, environmentId, kind: "direct" as const, version: 1, instanceId: instance },
    ...{ state: "succeeded" as const, httpStatus: 200, cold: false, queueUs: 0, startUs: 0, runUs: 10_000 },
    ...{ requestBytes: 0, responseBytes: 0, error: null, createdAt: at(from), finishedAt: at(to) },
  });
  await store.executions.takeIn([row("x-1", 0, 10), row("x-2", 100, 110)]);
  expect(await texts({ execution: "x-1" })).toEqual(["app stdout plain", ...own]);
  const all = await texts({ execution: "x-1", types: "app,access" });
  expect(all.at(-1)).toContain('"GET /hi" 200');
  expect(all).toHaveLength(3);
  await store.executions.takeIn([row("x-3", 5, 7)]);
  expect(await texts({ execution: "x-1" })).toEqual(own);
  expect(await texts({ execution: "x-none" })).toEqual([]);
  const found: (string | null)[] = [];
  for await (const { execution } of read({})) found.push(execution);
  expect(found).toEqual([null, null, null, null, "x-1", "x-2", null]);
});

test("shows what is asked for, each build once", async () => {
  expect(await texts({ types: "build,app" })).toEqual(["build build Compiling", "app stdout up"]);
  expect(await texts({ types: "hooks", stream: "pre_start" })).toEqual(["hooks pre_start prepared"]);
  expect(await texts({ types: "hooks", stream: "deploy" })).toEqual([]);
  expect(await texts({ version: "2" })).toEqual([]);
  expect(await texts({ role: "web", tail: "1" })).toEqual(["hooks pre_start prepared"]);
});

test("shows the build of a deployment that failed, which made no version", async () => {
  const { appId } = (await store.builds.get(build)) ?? { appId: "" };
  const failed = await store.builds.create({ appId, key: "k", tree: "u" });
  await store.builds.update(failed.id, { state: "failed" });
  await writeFile(join(folder, `${failed.id}.log`), "error: no such crate\n");
  const order = { environmentId, kind: "deploy", createdBy: "ada", state: "failed" } as const;
  await store.deployments.create({ ...order, buildId: failed.id });
  await store.deployments.create({ ...order, buildId: build });
  expect(await texts({ types: "build" })).toEqual([
    "build build Compiling",
    "build build error: no such crate",
  ]);
});

test("follows the first hook that ever runs, and instances that come", async () => {
  const lines = read({ follow: "true", types: "hooks", stream: "deploy" });
  const first = lines.next();
  // A look has been taken when the folder is there to be written to.
  const file = join(folder, "environments", environmentId, "deploy.log");
  await expect
    .poll(() =>
      appendFile(file, `${soon(3)} err migrated\n`).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
  expect((await first).value).toMatchObject({
    type: "hooks",
    stream: "deploy",
    text: "migrated",
    version: null,
  });
  const next = lines.next();
  changed();
  await appendFile(file, `${soon(4)} out again\n`);
  expect((await next).value).toMatchObject({ text: "again" });
  const last = lines.next();
  abort.abort();
  expect((await last).done).toBe(true);
});
