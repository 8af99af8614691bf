import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findFreePort } from "../../../../scripts/lib/find-free-port.mjs";
import { openTcpEdge, type TcpEdge } from "../../src/deploy/tcp/open-tcp-edge.js";
import { findUsable } from "../../src/deploy/tcp/tcp-addresses.js";
import { planNginx } from "../../src/route/plan-nginx.js";
import { planRoutes, type RouteTarget } from "../../src/route/plan-routes.js";
import { makeCertificate } from "../route/certificate.js";
import { call } from "../route/call.js";
import type { NginxBench } from "../route/real-nginx.js";
import { ask, makeStream, makeTcpApp, open, openStreamBench, openTcpServer } from "../route/serve-stream.js";
import { makeTarget } from "../route/targets.js";
import { waitUntil } from "../route/wait-until.js";

let bench: NginxBench;
let edge: TcpEdge;
let port: number;
let changing: Set<string>;
let warnings: unknown[];
const cleanups: (() => unknown)[] = [];
const ports = { apiPort: 4600, httpPort: 4680 };

async function openEdge(program = {}, wish: { readonly retryMs?: number } = {}): Promise<TcpEdge> {
  const opened = await openTcpEdge({
    ...{ settings: ports, paths: { nginx: bench.paths.prefix }, nginx: bench.nginx },
    program: { ...bench.options.program, ...program },
    stream: bench.facts.stream,
    isChanging: async (id) => changing.has(id),
    bring: (routes) => bench.nginx.apply(planNginx(routes, bench.facts)),
    log: { warn: (fields) => void warnings.push(fields) },
    ...wish,
  });
  cleanups.push(() => opened.close());
  return opened;
}

beforeEach(async () => {
  bench = await openStreamBench();
  cleanups.push(() => bench.close());
  port = await findFreePort();
  changing = new Set();
  warnings = [];
  edge = await openEdge();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function startApp(name: string): Promise<RouteTarget["servers"]> {
  const server = await openTcpServer((socket) => {
    socket.on("data", (part) => socket.write(`${name}:${String(part)}`)).once("end", () => socket.end());
  });
  cleanups.push(() => server.close());
  return [server.address];
}

const app = (name: string, at: number, wish: Partial<RouteTarget> = {}): RouteTarget =>
  makeTcpApp([makeStream({ port: at })], { app: name, environmentId: `env-${name}`, ...wish });

async function say(at: number): Promise<string> {
  const socket = await open(at);
  cleanups.push(() => socket.destroy());
  return ask(socket, "x");
}

async function holdPort(at: number): Promise<() => Promise<void>> {
  const server = createServer().listen(at, "127.0.0.1");
  await once(server, "listening");
  const release = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  cleanups.push(release);
  return release;
}

describe("assertFree", () => {
  test("a port of another app is refused with its name, also while that app is stopped", async () => {
    const held = app("chat", port, { state: "stopped" });
    await expect(edge.assertFree(app("game", port), [held])).rejects.toMatchObject({
      code: "ERR_PORT_TAKEN",
      message: `port ${port} already belongs to local:chat (main)`,
      hint: "Choose another `port` in [[tcp]] of bloom.toml, with the program's own as `target_port`, or delete local:chat (main).",
    });
    await edge.assertFree(app("game", await findFreePort()), [held]);
  });

  test.each([
    [4600, "the platform's API", "--api-port"],
    [4680, "the platform, for apps that speak HTTP", "--http-port"],
  ])("port %d is %s", async (own, holder, flag) => {
    await expect(edge.assertFree(app("chat", own), [])).rejects.toMatchObject({
      code: "ERR_PORT_TAKEN",
      message: `port ${own} already belongs to ${holder}`,
      hint: expect.stringContaining(flag),
    });
  });

  test("a port that another process holds is refused with its name", async () => {
    await holdPort(port);
    await expect(edge.assertFree(app("chat", port), [])).rejects.toMatchObject({
      code: "ERR_PORT_TAKEN",
      message: expect.stringMatching(
        new RegExp(`^port ${port} on 127.0.0.1 is held by .*pid ${process.pid}`),
      ),
      hint: expect.stringContaining("in [[tcp]]"),
    });
  });

  test("the port that the app has already is its own", async () => {
    const servers = await startApp("chat");
    const target = makeTcpApp([makeStream({ port, servers })]);
    await edge.apply(planRoutes([target]));
    await expect(edge.assertFree(target, [])).resolves.toBeUndefined();
  });

  test("of two deployments at a time one gets the port, and the other may have it once that one has ended", async () => {
    const [first, second] = [app("chat", port), app("game", port)];
    changing.add("env-chat").add("env-game");
    const outcomes = await Promise.allSettled([edge.assertFree(first, []), edge.assertFree(second, [])]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    await expect(edge.assertFree(second, [])).rejects.toMatchObject({
      code: "ERR_PORT_TAKEN",
      message: `port ${port} already belongs to local:chat (main)`,
      hint: expect.stringContaining("wait for what its deployment comes to"),
    });
    // The first asks again before it starts, and for another port when it is repeated.
    await edge.assertFree(first, []);
    changing.delete("env-chat");
    await edge.assertFree(second, []);
    changing.add("env-chat");
    await expect(edge.assertFree(first, [])).rejects.toMatchObject({ code: "ERR_PORT_TAKEN" });
  });

  test("what nginx cannot do is refused", async () => {
    const twice = makeTcpApp([makeStream({ port }), makeStream({ port })]);
    await expect(edge.assertFree(twice, [])).rejects.toMatchObject({ code: "ERR_MANIFEST_INVALID" });
  });

  test("a low port is refused where nginx may not open it", async () => {
    const own = await openEdge({ user: { uid: 1_900_000_000, gid: 1_900_000_000 }, setpriv: null });
    await expect(own.assertFree(app("chat", 1), [])).rejects.toMatchObject({
      code: "ERR_PORT_TAKEN",
      message: expect.stringContaining("may not open ports below 1024"),
      hint: expect.stringContaining("setpriv"),
    });
  });
});

describe("apply", () => {
  test("a port that somebody has taken keeps nginx from nothing else, and is opened when it is free", async () => {
    const other = await findFreePort();
    const servers = await startApp("chat");
    const release = await holdPort(port);
    const routes = planRoutes([
      makeTcpApp([makeStream({ port, servers }), makeStream({ port: other, servers })]),
      makeTarget({ environmentId: "env-web", state: "stopped" }),
    ]);
    await edge.apply(routes);
    expect(warnings).toEqual([{ address: "127.0.0.1", port, code: "EADDRINUSE" }]);
    expect(await say(other)).toBe("chat:x");
    expect((await call(bench.port)).status).toBe(503);
    await release();
    await edge.apply(routes);
    expect(await say(port)).toBe("chat:x");
  });

  test("a port that was taken is opened by itself when it is free", async () => {
    const own = await openEdge({}, { retryMs: 20 });
    const servers = await startApp("chat");
    const release = await holdPort(port);
    await own.apply(planRoutes([makeTcpApp([makeStream({ port, servers })])]));
    await release();
    await waitUntil(() => bench.nginx.readHeld().then((isHeld) => isHeld({ address: "127.0.0.1", port })));
    await waitUntil(() =>
      open(port).then(
        (socket) => Boolean(socket.destroy()),
        () => false,
      ),
    );
    expect(await say(port)).toBe("chat:x");
  });

  test("certificates are copied for nginx alone, and go when no app has them", async () => {
    const servers = await startApp("chat");
    const tls = await makeCertificate(bench.home);
    const routes = planRoutes([
      makeTcpApp([makeStream({ port, servers, tls })], { artifactDir: bench.home }),
    ]);
    await edge.apply(routes);
    const names = await readdir(bench.paths.tls);
    expect(names).toHaveLength(2);
    for (const name of names) {
      const { mode, uid } = await stat(join(bench.paths.tls, name));
      expect(mode & 0o777).toBe(0o600);
      expect(uid).toBe(bench.options.program.user?.uid ?? process.getuid?.());
    }
    const before = await readFile(bench.paths.config, "utf8");
    await makeCertificate(bench.home);
    await edge.apply(routes);
    expect(await readFile(bench.paths.config, "utf8")).not.toBe(before);
    expect(await readdir(bench.paths.tls)).toHaveLength(2);
    await edge.apply([]);
    expect(await readdir(bench.paths.tls)).toEqual([]);
  });

  test("a certificate that leads out of the app takes its own port with it, and no other", async () => {
    const other = await findFreePort();
    const servers = await startApp("chat");
    const secret = join(bench.home, "secret");
    await writeFile(secret, "x");
    const artifactDir = join(bench.home, "nginx", "run");
    await symlink(secret, join(artifactDir, "c.pem"));
    const tls = { certificate: join(artifactDir, "c.pem"), key: join(artifactDir, "c.pem") };
    const streams = [makeStream({ port, servers, tls }), makeStream({ port: other, servers })];
    await edge.apply(planRoutes([makeTcpApp(streams, { artifactDir })]));
    expect(warnings).toHaveLength(1);
    expect(await say(other)).toBe("chat:x");
    expect(existsSync(bench.paths.tls) && (await readdir(bench.paths.tls))).toEqual([]);
  });
});

test("addresses the machine does not have are left out and said", async () => {
  expect(
    await findUsable(["127.0.0.1", "192.0.2.77"], { warn: (fields) => void warnings.push(fields) }),
  ).toEqual(["127.0.0.1"]);
  expect(warnings).toEqual([{ address: "192.0.2.77", code: "EADDRNOTAVAIL" }]);
});
