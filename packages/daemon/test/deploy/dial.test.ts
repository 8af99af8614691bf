import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { completeConfig, type PartialConfig } from "@bloomery/contract";
import { createDial, type Dial } from "../../src/deploy/dial.js";
import type { InstanceAddress } from "../../src/run/engines/engine.js";
import { openStore, type Store } from "../../src/store/index.js";

let folder: string;
let store: Store;
let environmentId: string;
const servers: { close(): unknown }[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bloom-dial-"));
  store = await openStore({ url: "sqlite::memory:" });
  const org = await store.orgs.ensure("local");
  const app = await store.apps.create({ orgId: org.id, name: "game" });
  ({ id: environmentId } = await store.environments.create({ appId: app.id, name: "main" }));
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

/** A server that says its name to everyone. */
async function serve(name: string, path?: string): Promise<number> {
  const server = createServer((socket) => socket.end(name));
  if (path === undefined) server.listen(0, "127.0.0.1");
  else server.listen(path);
  await once(server, "listening");
  servers.push(server);
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const dialOf = (upstreams: readonly InstanceAddress[]): Dial =>
  createDial({
    store,
    edge: { route: (served) => ({ ...served, upstreams }) },
    backupPaths: ({ slot }) => [join(folder, `backup-${slot}`)],
    relayPath: (_, port) => join(folder, `relay-${port}`),
  });

async function deploy(tcp: PartialConfig["tcp"] = null): Promise<void> {
  const { appId } = (await store.environments.get(environmentId)) ?? { appId: "" };
  const build = await store.builds.create({ appId, key: "k", tree: "t" });
  const config = completeConfig({ web: { start: "true" }, ...(tcp === null ? {} : { tcp }) });
  const origin = { artifact: "a", tree: "t", config, createdBy: "ada" };
  const version = await store.versions.create({ appId, buildId: build.id, ...origin });
  const release = await store.releases.create({ environmentId, versionId: version.id, variables: "" });
  await store.environments.update(environmentId, { liveReleaseId: release.id });
}

async function hear(dial: Dial, port: number): Promise<string> {
  const socket = await dial(environmentId, port);
  const words = String((await once(socket, "data"))[0]);
  socket.destroy();
  return words;
}

test("connects to the port at a stable address, to the next replica when one refuses, to a socket, or to the backup", async () => {
  await deploy();
  const port = await serve("by port");
  const here: InstanceAddress = { kind: "tcp", address: "127.0.0.1", port: 1 };
  expect(await hear(dialOf([here]), port)).toBe("by port");
  // Nobody is at this address of the loopback.
  const nobody: InstanceAddress = { kind: "tcp", address: "127.0.0.9", port: 1 };
  expect(await hear(dialOf([nobody, here]), port)).toBe("by port");
  const path = join(folder, "app.sock");
  await serve("by socket", path);
  expect(await hear(dialOf([{ kind: "unix", path }]), 0)).toBe("by socket");
  await serve("by backup", join(folder, "backup-0"));
  expect(await hear(dialOf([{ kind: "unix", path: join(folder, "none") }]), 0)).toBe("by backup");
});

test("an app that waits to be told who its client is is told that it is the machine itself", async () => {
  const server = createServer((socket) => {
    socket.once("data", (data) => socket.end(data));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  const { port } = server.address() as AddressInfo;
  await deploy({ ports: [{ port, proxyProtocol: "v1" }] });
  const words = await hear(dialOf([{ kind: "tcp", address: "127.0.0.1", port: 1 }]), port);
  expect(words).toMatch(new RegExp(`^PROXY TCP4 127\\.0\\.0\\.1 127\\.0\\.0\\.1 \\d+ ${port}\r\n$`));
});

test("without a network of its own an app is found at its port, and behind its relay when it has one", async () => {
  const port = await serve("by port");
  await serve("by relay", join(folder, "relay-7000"));
  await deploy({
    ports: [
      { port: 1, targetPort: port },
      { port: 2, targetPort: 7000, proxyProtocol: "v2" },
    ],
  });
  const dial = dialOf([{ kind: "unix", path: join(folder, "none") }]);
  expect(await hear(dial, port)).toBe("by port");
  expect(await hear(dial, 7000)).toBe("by relay");
});

test("says when there is nothing to connect to", async () => {
  const dial = dialOf([{ kind: "unix", path: join(folder, "none") }]);
  await expect(dial(environmentId, 1)).rejects.toMatchObject({ code: "ERR_NOTHING_DEPLOYED" });
  await deploy();
  await expect(dial(environmentId, 1)).rejects.toMatchObject({ code: "ERR_APP_UNREACHABLE" });
  await store.environments.update(environmentId, { desired: "stopped" });
  await expect(dial(environmentId, 1)).rejects.toMatchObject({ code: "ERR_APP_STOPPED" });
});
