import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
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

/** One request to a function on a connection of its own. */
export function call(port, name) {
  return post(port, "/", { host: `${name}-local.localhost:${port}` });
}

/** A call on a connection of its own: milliseconds from the first byte to the last, the status, and the answer. */
export function post(port, path, headers = {}) {
  const body = '{"message":"hi there"}';
  const options = { port, path, host: "127.0.0.1", method: "POST", agent: false };
  const all = { ...headers, "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const asked = request({ ...options, headers: all }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece) => (text += piece));
      answer.on("end", () => resolve({ ms: performance.now() - begin, status: answer.statusCode, text }));
      answer.on("error", reject);
    });
    asked.on("error", reject);
    asked.setTimeout(20_000, () => asked.destroy(new Error("no answer within 20 s")));
    asked.end(body);
  });
}

/** Calls until the answer is as wanted; one that does not come counts as another. Throws after five minutes. */
export async function until(ask, isWanted) {
  const latest = performance.now() + 300_000;
  for (;;) {
    const answer = await ask().catch((error) => ({ status: 0, text: String(error) }));
    if (isWanted(answer)) return answer;
    if (performance.now() > latest) throw new Error(`still not the wanted answer: ${JSON.stringify(answer)}`);
    await delay(5);
  }
}

/** Nothing of the function runs when this returns. */
export async function putToSleep(platform, name) {
  const secret = readFileSync(join(platform.home, "admin.token"), "utf8").trim();
  const path = `/v1/orgs/local/apps/${name}/environments/main/sleep`;
  const headers = { authorization: `Bearer ${secret}` };
  const answer = await fetch(`http://127.0.0.1:${platform.apiPort}${path}`, { method: "POST", headers });
  if (!answer.ok) throw new Error(`${name} did not fall asleep: ${await answer.text()}`);
  // A shim that waits for the next one is started in this time.
  await delay(60);
}

export function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}
