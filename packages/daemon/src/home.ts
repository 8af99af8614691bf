import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";

/** The folders and files below a daemon's home. */
export interface HomePaths {
  readonly root: string;
  readonly artifacts: string;
  readonly sources: string;
  readonly buildCache: string;
  /** The crates that functions are built with. */
  readonly sdk: string;
  readonly preforkSdk: string;
  readonly instances: string;
  /** Payloads and answers of functions' executions. */
  readonly invocations: string;
  /** What mounts keep: one folder for each environment. */
  readonly volumes: string;
  /** What tools find below /etc in their sandboxes. */
  readonly tools: string;
  readonly nginx: string;
  readonly upstreams: string;
  readonly logs: string;
  readonly secretsKey: string;
  readonly adminToken: string;
  readonly apiSocket: string;
  /** What belongs to `bloom-shim doorman`. */
  readonly doorman: string;
  /** Where `bloom-shim launch` listens. */
  readonly launchSocket: string;
  /** Where the CLI reads the daemon's address and pid. */
  readonly apiFile: string;
  readonly lockFile: string;
}

export function planHome(root: string): HomePaths {
  return Object.freeze({
    root,
    artifacts: join(root, "artifacts"),
    sources: join(root, "sources"),
    buildCache: join(root, "build-cache"),
    sdk: join(root, "sdk"),
    preforkSdk: join(root, "sdk-prefork"),
    instances: join(root, "instances"),
    invocations: join(root, "invocations"),
    volumes: join(root, "volumes"),
    tools: join(root, "tools"),
    nginx: join(root, "nginx"),
    upstreams: join(root, "upstreams"),
    logs: join(root, "log"),
    secretsKey: join(root, "secrets.key"),
    adminToken: join(root, "admin.token"),
    apiSocket: join(root, "api.sock"),
    doorman: join(root, "doorman"),
    launchSocket: join(root, "shim.sock"),
    apiFile: join(root, "api.json"),
    lockFile: join(root, "bloomd.lock"),
  });
}

/**
 * Makes the folders. The home itself may be passed through but not listed by others, because nginx's
 * unprivileged workers read artifacts and mounts below it; everything private is closed one level down.
 */
export async function applyHome(paths: HomePaths): Promise<void> {
  await mkdir(paths.root, { recursive: true });
  await chmod(paths.root, 0o711);
  const open = [paths.artifacts, paths.volumes, paths.nginx, paths.upstreams];
  const closed = [
    ...[paths.sources, paths.buildCache, paths.sdk, paths.preforkSdk, paths.instances, paths.invocations],
    ...[paths.tools, paths.logs],
  ];
  for (const folder of open) {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o711);
  }
  for (const folder of closed) {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o700);
  }
}
