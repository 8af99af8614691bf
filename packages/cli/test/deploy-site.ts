import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { DeploymentEvent, DeploymentView } from "@bloomery/contract";
import { deployment, live } from "./documents.js";
import { run, startFakeDaemon, type FakeDaemon } from "./fake-daemon.js";

/** A crate `shop` and a daemon that takes it. */
export interface DeploySite {
  readonly daemon: FakeDaemon;
  readonly root: string;
  write(path: string, text: string): Promise<void>;
  /** What the deployment goes through. */
  answerEvents(events: readonly DeploymentEvent[], end: DeploymentView): void;
  /** Runs `bloom deploy` in the crate. */
  deploy(...flags: string[]): ReturnType<typeof run>;
  close(): Promise<void>;
}

export async function openDeploySite(): Promise<DeploySite> {
  const daemon = await startFakeDaemon();
  const home = await mkdtemp(join(tmpdir(), "bloom-deploy-"));
  const root = join(home, "project");
  const site: DeploySite = {
    daemon,
    root,
    async write(path, text) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    },
    answerEvents(events, end) {
      daemon.answers.watchDeployment = { lines: [...events, { type: "finished", deployment: end }] };
    },
    deploy: (...flags) =>
      run(["deploy", ...flags], { BLOOM_API: daemon.url, XDG_CACHE_HOME: join(home, "cache") }, root),
    async close() {
      await daemon.close();
      await rm(home, { recursive: true });
    },
  };
  await site.write("Cargo.toml", '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n');
  await site.write("src/main.rs", "fn main() {}\n");
  daemon.answers.planUpload = { body: { tree: "a".repeat(64), missing: [] } };
  daemon.answers.createDeployment = { body: deployment };
  site.answerEvents([], live);
  return site;
}
