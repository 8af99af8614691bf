import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { completeConfig } from "@bloomery/contract";
import { openArtifactStore } from "../../packages/daemon/dist/build/artifact-store.js";
import { planHome } from "../../packages/daemon/dist/home.js";
import { openSecrets } from "../../packages/daemon/dist/release/secrets.js";
import { openStore } from "../../packages/daemon/dist/store/index.js";
import { makeFolder, root } from "./platform.mjs";

const handler = `use ignite::prelude::*;

#[ignite::main]
async fn handler(req: Request, ctx: Context) -> Result<impl IntoResponse> {
    let message: String = req.field("message").unwrap_or_else(|_| "hello".to_string());
    Ok(ignite::json!({ "message": message, "execution_id": ctx.execution_id() }))
}
`;

/** The smallest function, compiled by cargo alone: waking is measured here, not building. Returns its path. */
export function compileHello() {
  const folder = makeFolder("hello");
  const manifest = [
    ...["[package]", 'name = "function"', 'version = "0.1.0"', 'edition = "2024"', "[workspace]"],
    ...["[dependencies]", `ignite = { path = ${JSON.stringify(join(root, "crates/ignite"))} }`],
    ...["[profile.release]", "strip = true"],
  ];
  mkdirSync(join(folder, "src"));
  writeFileSync(join(folder, "Cargo.toml"), `${manifest.join("\n")}\n`);
  writeFileSync(join(folder, "src/main.rs"), handler);
  const program = compileIn(folder, folder, "function");
  return { program, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Compiles the package in `source` as cargo does for anybody, and puts its program into `folder`. */
export function compileIn(folder, source, name) {
  const env = { ...process.env, CARGO_TARGET_DIR: process.env.CARGO_TARGET_DIR ?? join(folder, "target") };
  execFileSync("cargo", ["build", "--release"], { cwd: source, env, stdio: ["ignore", "ignore", "inherit"] });
  const program = join(folder, name);
  copyFileSync(join(env.CARGO_TARGET_DIR, "release", name), program);
  return program;
}

/** Makes functions of one program as if each had been published; the platform must not run meanwhile. */
export async function publishAll(home, program, names, settings = {}) {
  const paths = planHome(home);
  const store = await openStore({ url: `sqlite:${join(home, "bloom.db")}` });
  const secrets = await openSecrets(paths.secretsKey);
  const artifacts = await openArtifactStore(paths.artifacts);
  const work = join(home, "publish");
  mkdirSync(work);
  copyFileSync(program, join(work, "function"));
  const { digest } = await artifacts.collect(work);
  rmSync(work, { recursive: true });
  const org = await store.orgs.ensure("local");
  for (const name of names) {
    const { app } = await store.apps.ensure({ orgId: org.id, name });
    const { environment } = await store.environments.ensure({ appId: app.id, name: "main" });
    const config = completeConfig({
      ...{ name, web: { start: "" }, network: "none" },
      function: { allowUnauthenticated: true, ...settings },
    });
    const build = await store.builds.create({ appId: app.id, key: name, tree: "tree" });
    const origin = { artifact: digest, tree: "tree", config, createdBy: "bench" };
    const version = await store.versions.create({ appId: app.id, buildId: build.id, ...origin });
    const variables = secrets.seal(JSON.stringify({ app: {}, environment: {} }));
    const release = await store.releases.create({
      environmentId: environment.id,
      versionId: version.id,
      variables,
    });
    await store.environments.update(environment.id, { liveReleaseId: release.id, desired: "running" });
  }
  await store.close();
}

/** One request on a connection of its own: milliseconds from the first byte to the last, and the status. */
export function call(port, name) {
  const body = '{"message":"hi there"}';
  const headers = { host: `${name}-local.localhost:${port}`, "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const asked = request({ port, host: "127.0.0.1", method: "POST", headers, agent: false }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve({ ms: performance.now() - begin, status: answer.statusCode }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

export function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}
