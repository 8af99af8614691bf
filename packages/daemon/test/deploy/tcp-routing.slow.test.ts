import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { completeConfig, type TcpPortConfig } from "@bloomery/contract";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { findFreePort } from "../../../../scripts/lib/find-free-port.mjs";
import type { RoutedEnvironment } from "../../src/deploy/edge.js";
import { openRouting, type Routing } from "../../src/deploy/routing.js";
import { applyHome, planHome } from "../../src/home.js";
import { tryBind } from "../../src/route/find-port-holder.js";
import { switchUnix } from "../../src/route/switch-unix.js";
import type { HostFacts } from "../../src/run/probe-host.js";
import { resolveSettings } from "../../src/settings.js";
import { makeCertificate } from "../route/certificate.js";
import { call } from "../route/call.js";
import { nginxBinary } from "../route/real-nginx.js";
import { ask, open, openTcpServer, readAll } from "../route/serve-stream.js";

const shimPath =
  process.env["BLOOM_SHIM"] ?? fileURLToPath(new URL("../../../../.bloom/bin/bloom-shim", import.meta.url));

/** The edge as the daemon has it, with the real shim, and an app that a server of this test plays. */
describe.skipIf(!existsSync(shimPath))("a tcp app", () => {
  let home: string;
  let httpPort: number;
  let routing: Routing;
  let address: { readonly address: string; readonly port: number };
  let port: number;
  const cleanups: (() => unknown)[] = [];
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "bloom-tcp-"));
    await chmod(home, 0o711);
    cleanups.push(() => rm(home, { recursive: true }));
    const paths = planHome(home);
    await applyHome(paths);
    httpPort = await findFreePort();
    const isRoot = process.getuid?.() === 0;
    const input = { home, "http-port": String(httpPort), "tcp-address": "127.0.0.1,::1,192.0.2.9" };
    const own = await openRouting({
      settings: resolveSettings(input, {}, { isRoot, shimPath }),
      host: { nginx: nginxBinary, isRoot } as HostFacts,
      ...{ paths, holdPath: () => join(home, "hold.sock"), mountPath: () => null },
      doorPath: ({ slot }, at) => join(paths.upstreams, `door-${slot}-${at}.sock`),
      store: { locks: { get: async () => undefined } } as unknown as Parameters<
        typeof openRouting
      >[0]["store"],
      log: { warn: () => undefined },
    });
    routing = own;
    cleanups.push(() => own.stop());
    const server = await openTcpServer((socket) => {
      socket.on("data", (part) => socket.write(`app:${String(part)}`)).once("end", () => socket.end());
    });
    cleanups.push(() => server.close());
    if (server.address.kind === "tcp") address = server.address;
    await mkdir(join(paths.artifacts, "one"));
    await makeCertificate(join(paths.artifacts, "one"));
  });
  afterAll(async () => {
    for (const cleanup of cleanups.toReversed()) await cleanup();
  });
  beforeEach(async () => {
    port = await findFreePort();
  });

  const serve = (
    wish: Partial<TcpPortConfig> = {},
    environment: Partial<RoutedEnvironment> = {},
  ): RoutedEnvironment => ({
    ...{ id: "env-1", slot: 1, org: "local", app: "chat", environment: "main", desired: "running" },
    ...{ artifactDir: join(home, "artifacts", "one"), replicas: 1 },
    // The port of the app itself is the config's, not the upstream's.
    upstreams: [{ kind: "tcp", address: address.address, port: 1 }],
    config: completeConfig({
      web: { start: "./chat" },
      tcp: { ports: [{ port, targetPort: address.port, ...wish }] },
    }),
    ...environment,
  });

  async function say(): Promise<string> {
    const socket = await open(port);
    const answer = await ask(socket, "x");
    socket.destroy();
    return answer;
  }

  test("is served on its port, and under no host name", async () => {
    const one = serve();
    await routing.assertRoutable(one, [], true);
    await routing.applyRoutes([one]);
    expect(await say()).toBe("app:x");
    expect(routing.planTarget(one).hostNames).toEqual([]);
    expect((await call(httpPort, { host: "chat-local.localhost" })).status).toBe(404);
    await routing.assertRoutable(one, [], true);
    await expect(routing.assertRoutable(serve({}, { id: "env-2" }), [one], false)).rejects.toMatchObject({
      code: "ERR_PORT_TAKEN",
      message: `port ${port} already belongs to local:chat (main)`,
    });
  });

  test("that is stopped refuses connections, and started again has its port", async () => {
    const one = serve();
    await routing.applyRoutes([one]);
    await routing.applyRoutes([{ ...one, desired: "stopped" }]);
    await expect(open(port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await routing.applyRoutes([one]);
    expect(await say()).toBe("app:x");
  });

  test("that sleeps is woken at its door", async () => {
    const one = serve({ targetPort: await findFreePort() });
    await routing.applyRoutes([one]);
    expect(await readAll(await open(port))).toBe("");
    const place = join(home, "upstreams", "real.sock");
    const door = await openTcpServer((socket) => socket.end("awake"), place);
    await switchUnix(join(home, "upstreams", `door-1-${port}.sock`), place, routing.workerOwner);
    expect(await readAll(await open(port))).toBe("awake");
    await door.close();
  });

  test("with certificates is refused when they are broken, once they are there", async () => {
    const fine = { certificate: "server.crt", key: "server.key" };
    await routing.assertRoutable(serve({ tls: fine }), [], true);
    await routing.applyRoutes([serve({ tls: fine })]);
    await writeFile(join(home, "artifacts", "one", "broken.key"), "no key");
    const broken = serve({ tls: { ...fine, key: "broken.key" } });
    await routing.assertRoutable(broken, [], false);
    await expect(routing.assertRoutable(broken, [], true)).rejects.toMatchObject({
      code: "ERR_MANIFEST_INVALID",
      message: expect.stringMatching(/^nginx refuses the app's ports: .*broken\.key/),
    });
  });

  test("may have a low port as root", async (context) => {
    if (process.getuid?.() !== 0) context.skip("needs root");
    port = 600;
    while ((await tryBind("127.0.0.1", port)) !== undefined) port++;
    const one = serve();
    await routing.assertRoutable(one, [], true);
    await routing.applyRoutes([one]);
    expect(await say()).toBe("app:x");
  });
});
