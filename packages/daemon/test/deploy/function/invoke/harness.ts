import { mkdtemp, mkdir, readdir, rm } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BloomError, completeConfig, newId, type FunctionConfig, type ignite } from "@bloomery/contract";
import { onTestFinished } from "vitest";
import type { Instance, InstanceWish } from "../../../../src/run/engines/engine.js";
import { createExecutionEvents } from "../../../../src/deploy/function/execution-events.js";
import {
  openInvocations,
  type InvocationParts,
  type Invocations,
} from "../../../../src/deploy/function/invoke/open-invocations.js";
import { openSecrets } from "../../../../src/release/secrets.js";
import { openStore } from "../../../../src/store/index.js";
import type { Execution } from "../../../../src/store/executions.js";
import { startFake, type FakeFunction } from "./fake-function.js";

type Answer = (...args: Parameters<RequestListener>) => void | Promise<void>;

/** A home with one function that is live, `acme:hello`, whose instance is a server in this process. */
export async function openHarness(answer: Answer, own: Partial<FunctionConfig> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "bloom-invoke-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const store = await openStore({ url: `sqlite:${join(folder, "bloom.db")}` });
  onTestFinished(() => store.close());
  const secrets = await openSecrets(join(folder, "secrets.key"));
  const org = await store.orgs.ensure("acme");
  const app = await store.apps.create({ orgId: org.id, name: "hello" });
  const made = await store.environments.create({ appId: app.id, name: "main" });
  const inside = { environmentId: made.id };

  const publish = async (artifact = "a1") => {
    const build = await store.builds.create({ appId: app.id, key: artifact, tree: "t1" });
    const config = completeConfig({ name: "hello", web: { start: "" }, function: own });
    const code = { artifact, tree: "t1", config, createdBy: "ada" };
    const version = await store.versions.create({ appId: app.id, buildId: build.id, ...code });
    const variables = secrets.seal(JSON.stringify({ app: {}, environment: {} }));
    const release = await store.releases.create({ ...inside, versionId: version.id, variables });
    await store.environments.update(made.id, { liveReleaseId: release.id });
    return version;
  };
  const version = await publish();
  const environment = (await store.environments.get(made.id)) ?? made;
  const place = { org, app, environment };

  const seenIds: string[] = [];
  const fake = await startFake(join(folder, "live.sock"), (request, response) => {
    seenIds.push(String(request.headers["x-ignite-execution-id"]));
    void answer(request, response);
  });
  onTestFinished(() => fake.kill());
  let wakeError: BloomError | null = null;
  const warnings: string[] = [];
  const started: { readonly wish: InstanceWish; readonly fake: FakeFunction }[] = [];
  const instances = join(folder, "instances");

  /** An engine for trials: each instance is one more server, which tells by its header who it is. */
  const engine: InvocationParts["engine"] = {
    nextId: () => newId("instance"),
    async start(wish) {
      await mkdir(join(instances, wish.id), { recursive: true });
      const one = await startFake(join(folder, `${wish.id}.sock`), answer, wish.id);
      onTestFinished(() => one.kill());
      started.push({ wish, fake: one });
      let end = (): void => undefined;
      const gone = new Promise<undefined>((resolve) => (end = () => resolve(undefined)));
      const stop = async (): Promise<void> => {
        await one.kill();
        end();
      };
      return {
        ...one.instance,
        ...{ environmentId: wish.environmentId, releaseId: wish.releaseId, role: "web", replica: 0 },
        ...{ status: { state: "ready", last_exit: null }, watchStatus: () => () => undefined },
        ...{ gone, stop, drain: stop },
      } as unknown as Instance;
    },
  };

  const events = createExecutionEvents();
  const open = async (more: Partial<InvocationParts> = {}, { closes = true } = {}): Promise<Invocations> => {
    const invocations = await openInvocations({
      ...{ store, secrets, engine, events, folder: join(folder, "invocations") },
      artifactDir: (digest) => join(folder, digest),
      address: { baseDomain: "localhost", httpPort: 80 },
      prepareMounts: async () => [],
      listInstances: async () => readdir(instances).catch(() => []),
      instanceDir: (id) => join(instances, id),
      caughtUp: async () => undefined,
      retryMs: 5,
      findDraft: async () => {
        throw new BloomError("ERR_NOT_FOUND", "there is no draft");
      },
      activation: {
        async wake() {
          if (wakeError !== null) throw wakeError;
          return { instance: fake.instance, version: version.number, startUs: null };
        },
        sleep: async () => undefined,
        isAsleep: () => false,
      },
      log: { info: () => undefined, warn: (_fields, text) => void warnings.push(text) },
      ...more,
    });
    if (closes) onTestFinished(() => invocations.close());
    return invocations;
  };

  return {
    ...{ folder, instances, store, place, version, fake, publish, open, started, warnings, seenIds },
    failWakes: (error: BloomError | null) => void (wakeError = error),
    async get(id: string): Promise<Execution> {
      const row = await store.executions.get(id);
      if (row === undefined) throw new Error(`there is no ${id}`);
      return row;
    },
    /** Waits for the end of an execution, by what the platform tells of it. */
    async untilEnded(id: string): Promise<Execution> {
      for (;;) {
        let unwatch = (): void => undefined;
        const changed = new Promise<void>((resolve) => (unwatch = events.watchExecutions(id, resolve)));
        const row = await store.executions.get(id);
        if (row !== undefined && row.finishedAt !== null) {
          unwatch();
          return row;
        }
        await changed;
        unwatch();
      }
    },
  };
}

export function makeRequest(path = "/", payload = "", method = "POST"): ignite.InvokeRequest {
  return { http: { method, path, query: "", headers: {} }, payload: Buffer.from(payload) };
}
