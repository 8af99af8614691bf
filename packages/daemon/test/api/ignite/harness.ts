import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { BloomError, completeConfig, type AppConfig } from "@bloomery/contract";
import type { Caller } from "../../../src/api/caller.js";
import type { ApiContext } from "../../../src/api/routes/context.js";
import { createHandlers } from "../../../src/api/routes/index.js";
import { createApiServer } from "../../../src/api/server.js";
import { viewDeployment, type ViewParts } from "../../../src/api/views.js";
import { receiveCode } from "../../../src/build/function/receive-code.js";
import { openSourceStore } from "../../../src/build/source-store.js";
import type { BuildStage } from "../../../src/deploy/build-port.js";
import { createDeployer, type DeployerParts } from "../../../src/deploy/deployer.js";
import { createEventHub } from "../../../src/deploy/events.js";
import { openFunctions } from "../../../src/deploy/function/open-functions.js";
import { createJobs } from "../../../src/deploy/jobs.js";
import type { BuildPort, BuildWalk } from "../../../src/deploy/obtain-version.js";
import { createOperations } from "../../../src/deploy/operations.js";
import { packTree } from "../../../src/build/pack-tree.js";
import { openSecrets } from "../../../src/release/secrets.js";
import { openStore, type Deployment } from "../../../src/store/index.js";
import { createHarness } from "../../deploy/live-harness.js";

/** How the next builds and deployments go. */
export interface Gates {
  /** Awaited before the build ends; rejects to make it fail. */
  build: (order: Parameters<BuildPort["build"]>[0], walk: BuildWalk) => Promise<void>;
  /** Awaited with the environment locked, before anything is started. */
  deployment: () => Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const everywhere = { orgId: null, orgName: null, appId: null, appName: null };

/**
 * The API over a real store, real sources and the deployer's own walk; builds and instances only exist in words.
 */
export async function openIgnite() {
  const folder = await mkdtemp(join(tmpdir(), "bloom-ignite-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const store = await openStore({ url: "sqlite::memory:" });
  const secrets = await openSecrets(join(folder, "key"));
  const sources = await openSourceStore(join(folder, "sources"));
  const live = createHarness();
  const jobs = createJobs();
  const hub = createEventHub(join(folder, "deployments"));
  const log = pino({ level: "silent" });
  const edge = { baseDomain: "localhost", httpPort: 4680, tcpAddresses: ["127.0.0.1"] };
  const views: ViewParts = {
    ...{ store, edge, fleet: live.fleet },
    healer: { failureOf: () => null, failing: () => [] },
    activation: { isAtRest: () => false, isShort: () => false, isWaking: () => false },
  };
  const releases = { store, secrets, artifactDir: (digest: string) => `/nowhere/${digest}`, address: edge };
  const logFile = (build: string): string => join(folder, `${build}.log`);

  const gates: Gates = { build: async () => undefined, deployment: async () => undefined };
  const built: string[] = [];
  const port: BuildPort = {
    async build(order, walk) {
      const id = order.record ?? "";
      await store.builds.update(id, { state: "running" });
      const say = (text: string): void => walk.emit({ type: "log", source: "build", text });
      say("Compiling hello v0.1.0");
      try {
        await Promise.race([gates.build(order, walk), rejectWhenAborted(walk.signal)]);
      } catch (error) {
        const state = walk.signal.aborted ? "cancelled" : "failed";
        const document = (error as BloomError).toDocument();
        await store.builds.update(id, { state, error: document });
        await writeFile(logFile(id), "Compiling hello v0.1.0\n");
        throw error;
      }
      say("Finished");
      const artifact = `artifact-${order.tree.slice(0, 8)}`;
      const reused = built.includes(artifact);
      built.push(artifact);
      if (!reused) await writeFile(logFile(id), "Compiling hello v0.1.0\nFinished\n");
      const stats = { units: 1, fresh: 0, compiled: 1, rebuilt: [] };
      await store.builds.update(id, { state: "succeeded", artifact, toolchain: "1.93.0", stats });
      const facts = { codeHash: order.tree, sdk: "0.1.0", toolchain: "1.93.0", added: ["tokio was added"] };
      return { buildId: id, artifact, toolchain: "1.93.0", stats, reused, facts };
    },
  };
  const deployer = createDeployer({
    ...releases,
    ...{ fleet: live.fleet, edge: live.parts.edge, logs: folder, build: port },
    holds: { open: live.parts.openHold },
    deployments: {
      store,
      hub,
      jobs,
      boot: "boot-1",
      log,
      view: (row: Deployment) => viewDeployment(views, row),
    },
    assertArtifact: () => gates.deployment(),
    assertIsolation: () => null,
    assertRoutable: async () => undefined,
    heal: () => undefined,
  } as unknown as DeployerParts);
  const stage = {
    ...{ port, logFile, openTree: sources.openTree },
    sources: {
      receiveCode: (bytes: Buffer, app: string) => receiveCode(sources, { kind: "bytes", bytes }, { app }),
      pack: async (tree: string) => packTree(await sources.openTree(tree)),
    } as BuildStage["sources"],
  };
  const functions = openFunctions({ store, secrets, jobs, deployer }, stage, async (tree, app) => ({
    config: readConfig((await sources.openTree(tree)).read("bloom.toml"), app),
    remarks: ["bloom.toml:1:1: a remark"],
  }));
  const operations = createOperations({
    ...releases,
    ...{
      fleet: live.fleet,
      edge: live.parts.edge,
      boot: "boot-1",
      healer: () => ({}) as never,
      isPutToSleep: () => false,
    },
    forgetApp: functions.drafts.forget,
    forgetEnvironment: async () => undefined,
  });

  const callers: Record<string, Caller> = {
    admin: { name: "ada", role: "admin", ...everywhere },
    developer: { name: "dev", role: "developer", ...everywhere },
    viewer: { name: "vic", role: "viewer", ...everywhere },
  };
  const api = createApiServer({
    handlers: createHandlers({
      ...{ store, secrets, deployer, operations, functions, jobs, hub, views, fleet: live.fleet },
      sources: stage.sources,
    } as unknown as ApiContext),
    authenticate: async (secret) => callers[secret],
    log,
    allowedHosts: ["localhost"],
  });
  onTestFinished(async () => {
    await api.close();
    await jobs.close();
    await store.close();
  });

  const call = async (
    method: "GET" | "POST" | "PATCH" | "DELETE",
    path: string,
    payload?: object,
    secret = "admin",
  ): Promise<Answer> => {
    const answer = await api.inject({
      ...{ method, url: `/v1/ignite${path}` },
      headers: { host: "localhost", ...(secret === "" ? {} : { authorization: `Bearer ${secret}` }) },
      ...(payload === undefined ? {} : { payload }),
    });
    const lines = answer.payload.trim().split("\n");
    const isStream = String(answer.headers["content-type"]).includes("ndjson");
    const body = isStream
      ? { lines: lines.map((line) => JSON.parse(line) as unknown) }
      : answer.json<object>();
    return { status: answer.statusCode, body: body as Answer["body"] };
  };

  /** Saves, compiles and publishes one file. */
  const publish = async (path: string, text: string): Promise<Answer> => {
    await call("POST", `${path}/draft`, codeOf(text));
    await compile(path);
    return call("POST", `${path}/draft/publish`);
  };
  /** Compiles and waits for the end; answers with the lines of the log. */
  const compile = async (path: string): Promise<readonly { text: string; status?: string }[]> => {
    const { body } = await call("POST", `${path}/draft/compile`);
    const logs = await call("GET", `/compile/${String(body["deployId"])}/logs`);
    return logs.body["lines"] as never;
  };
  return { store, secrets, live, gates, built, functions, callers, api, call, publish, compile };
}

/** A promise, and what resolves it. */
export function createGate(): [passed: Promise<void>, pass: () => void] {
  let pass = (): void => undefined;
  const passed = new Promise<void>((resolve) => (pass = resolve));
  return [passed, pass];
}

/** What a draft is saved with: one file, or the bytes of an archive. */
export function codeOf(code: string | Buffer, more: object = {}): object {
  return { code: { compile: { sourceCode: Buffer.from(code).toString("base64"), ...more } } };
}

/** Of bloom.toml only what the tests write there. */
function readConfig(text: string | undefined, name: string): AppConfig {
  if (text?.includes("wrong") === true) throw new BloomError("ERR_MANIFEST_INVALID", "bloom.toml:1:1: wrong");
  return completeConfig({ name, web: { start: "" }, function: { timeoutSeconds: 30 } });
}

async function rejectWhenAborted(signal: AbortSignal): Promise<never> {
  return new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}
