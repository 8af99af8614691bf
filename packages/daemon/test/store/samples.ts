import { completeConfig, type AppConfig, type ErrorDocument } from "@bloomery/contract";
import type { Store } from "../../src/store/index.js";

export const sampleConfig: AppConfig = completeConfig({
  name: "shop",
  detected: "Cargo.toml has one binary",
  web: { start: "./target/release/shop" },
  variables: { RUST_LOG: "info" },
  limits: { memoryBytes: 512_000_000 },
});

/** A config as the first daemons stored it. */
export const oldConfig = {
  name: "shop",
  shape: "web",
  detected: "Cargo.toml has one binary",
  toolchain: { channel: null, source: "default" },
  build: { hook: null, cargo: { profile: "release", features: [], package: null, bin: null, target: null } },
  web: {
    start: "./target/release/shop",
    upstream: { socketFamily: "tcp" },
    locations: { "/": { root: null, passthru: true, allow: true } },
    ready: { path: null, timeoutSeconds: 30 },
    port: 8888,
    graceSeconds: 10,
    drainSeconds: 30,
  },
  variables: { RUST_LOG: "info" },
  limits: { memoryBytes: 512_000_000, cpu: 1, pids: 256 },
  replicas: 1,
  diskMb: null,
  network: "outbound",
};

export const lost: ErrorDocument = {
  code: "ERR_DEPLOYMENT_LOST",
  message: "the daemon ended",
  details: { pid: 7 },
};

/** An app that has been deployed once, with one row of every noun below it. */
export async function createSample(store: Store, name = "shop") {
  const org = await store.orgs.ensure("local");
  const app = await store.apps.create({ orgId: org.id, name });
  const environment = await store.environments.create({ appId: app.id, name: "main", replicas: { web: 2 } });
  const build = await store.builds.create({ appId: app.id, key: "k1", tree: "t1" });
  const origin = { artifact: "a1", tree: "t1", config: sampleConfig, createdBy: "ada" };
  const version = await store.versions.create({ appId: app.id, buildId: build.id, ...origin });
  const inside = { environmentId: environment.id };
  const release = await store.releases.create({ ...inside, versionId: version.id, variables: "sealed" });
  const deployment = await store.deployments.create({
    ...{ ...inside, kind: "deploy", createdBy: "ada", tree: "t1" },
    ...{ buildId: build.id, versionId: version.id, releaseId: release.id },
  });
  const variable = await store.variables.set({
    ...{ appId: app.id, environmentId: environment.id, name: "KEY" },
    ...{ value: "sealed", sensitive: true },
  });
  const instance = await store.instances.create({
    ...inside,
    releaseId: release.id,
    role: "web",
    replica: 0,
  });
  return { org, app, environment, build, version, release, deployment, variable, instance };
}
