import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { switchUnix } from "../../src/route/switch-unix.js";
import { ask, makeStream, makeTcpApp, readAll, streamOwner } from "./serve-stream.js";
import { makeTarget } from "./targets.js";
import { useStream } from "./use-stream.js";
import { waitUntil } from "./wait-until.js";

const own = useStream({ rotation: { maxBytes: 10, files: 3 } });

describe("servers", () => {
  test("share connections evenly", async () => {
    const servers = [await own.startNamed("a"), await own.startNamed("b"), await own.startNamed("c")];
    await own.serve(servers);
    const sockets = await Promise.all(Array.from({ length: 12 }, () => own.connect()));
    for (const socket of sockets) await ask(socket, "x");
    expect(servers.map(({ sockets: { size } }) => size)).toEqual([4, 4, 4]);
  });

  test("one that refuses is passed over, and is asked again when it is back", async () => {
    const gone = await own.startNamed("a");
    const servers = [gone, await own.startNamed("b")];
    await own.serve(servers);
    await gone.close();
    for (let round = 0; round < 4; round++) expect(await ask(await own.connect(), "x")).toBe("b:x");
    const back = await own.startNamed("a", gone.address.kind === "tcp" ? gone.address.port : null);
    // It has fewer than the other now.
    expect(await ask(await own.connect(), "x")).toBe("a:x");
    expect(back.sockets.size).toBe(1);
  });

  test("the backup takes connections only while nobody accepts them, and none is lost on the way", async () => {
    const door = join(own.bench.home, "door.sock");
    await own.startNamed("door", join(own.bench.home, "own.sock"));
    await switchUnix(door, join(own.bench.home, "own.sock"), streamOwner);
    const app = await own.startNamed("app");
    await own.serve([app], { backup: door });
    const first = await own.connect();
    expect(await ask(first, "x")).toBe("app:x");
    await app.close();
    const held = await own.connect();
    expect(await ask(held, "x")).toBe("door:x");
    await own.startNamed("back", app.address.kind === "tcp" ? app.address.port : null);
    expect(await ask(await own.connect(), "x")).toBe("back:x");
    expect(await ask(held, "y")).toBe("door:y");
  });

  test("without any the connection is closed, and the log says 502", async () => {
    const app = await own.startNamed("app");
    await own.serve([app], { backup: join(own.bench.home, "nobody.sock") });
    await app.close();
    expect(await readAll(await own.connect())).toBe("");
    await waitUntil(async () => (await own.readEnded()).some(({ status }) => status === 502));
  });
});

describe("reloads", () => {
  test("open connections live through any number of them, and nobody is refused meanwhile", async () => {
    await own.serve([await own.startNamed("app")]);
    const before = await own.connect();
    expect(await ask(before, "x")).toBe("app:x");
    const app = await own.startNamed("new");
    for (let round = 0; round < 5; round++) {
      const target = makeTcpApp([makeStream({ port: own.port, servers: [app.address] })]);
      await own.bench.serve([target, makeTarget({ environmentId: `env-${round}`, state: "stopped" })]);
      expect(await ask(await own.connect(), "y")).toBe("new:y");
      expect(await ask(before, `${round}`)).toBe(`app:${round}`);
    }
    // The app goes, and what it has begun does not.
    await own.bench.serve([]);
    expect(await ask(before, "z")).toBe("app:z");
    const refused = connect({ port: own.port, host: "127.0.0.1" });
    const [error] = (await once(refused, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
  });

  test("limits count the connections that older workers have", async () => {
    const app = await own.startNamed("app");
    await own.serve([app], { maxConnections: 1 });
    const first = await own.connect();
    expect(await ask(first, "x")).toBe("app:x");
    await own.serve([app], { maxConnections: 1, idleSeconds: 5 });
    expect(await readAll(await own.connect())).toBe("");
    first.destroy();
    await waitUntil(() => app.sockets.size === 0);
    expect(await ask(await own.connect(), "x")).toBe("app:x");
  });
});

describe("logs", () => {
  test("nginx says which client has which connection to the app, and a line of JSON that it has ended", async () => {
    const app = await own.startNamed("app");
    await own.serve([app]);
    const socket = await own.connect();
    expect(await ask(socket, "four")).toBe("app:four");
    const [held] = app.sockets;
    const [client, upstream] = [`127.0.0.1:${socket.localPort}`, `127.0.0.1:${held?.localPort}`];
    const text = await readFile(own.bench.paths.streamLog, "utf8");
    const id = new RegExp(
      `\\[info\\] \\d+#\\d+: (\\*\\d+) client ${client} connected to 127.0.0.1:${own.port}$`,
      "m",
    ).exec(text)?.[1];
    expect(id).toBeDefined();
    expect(text).toContain(`${id} proxy 127.0.0.1:${held?.remotePort} connected to ${upstream}\n`);
    socket.destroy();
    await waitUntil(async () =>
      (await readFile(own.bench.paths.streamLog, "utf8")).includes(`${id} upstream disconnected`),
    );
    await waitUntil(async () => (await own.readEnded()).length === 1);
    expect(await own.readEnded()).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        at: expect.any(Number),
        env: "env-2f3g4h5j6k7m",
        app: "local:chat",
        port: own.port,
        client: "127.0.0.1",
        client_port: socket.localPort ?? expect.any(Number),
        received: 4,
        sent: 8,
        seconds: expect.any(Number),
        status: 200,
        upstream,
      },
    ]);
  });

  test("a reset and silence end a connection in other words, and in a line of JSON all the same", async () => {
    await own.serve([await own.startNamed("app")], { idleSeconds: 1 });
    const reset = await own.connect();
    expect(await ask(reset, "x")).toBe("app:x");
    reset.resetAndDestroy();
    const silent = await own.connect();
    expect(await ask(silent, "x")).toBe("app:x");
    expect(await readAll(silent)).toBe("");
    await waitUntil(async () => (await own.readEnded()).length === 2);
    const text = await readFile(own.bench.paths.streamLog, "utf8");
    expect(text).toMatch(
      /recv\(\) failed \(104: Connection reset by peer\) while proxying and reading from client/,
    );
    expect(text).toMatch(/connection timed out \(110: Connection timed out\) while proxying connection/);
  });

  test("both move away when they have grown, also from under workers of before a reload", async () => {
    const app = await own.startNamed("app");
    await own.serve([app]);
    const socket = await own.connect();
    expect(await ask(socket, "x")).toBe("app:x");
    await own.serve([app], { idleSeconds: 5 });
    await own.bench.nginx.rotateLogs();
    expect(await readFile(`${own.bench.paths.streamLog}.1`, "utf8")).toContain(
      `127.0.0.1:${socket.localPort} connected`,
    );
    // Workers open their logs again when they next look.
    await waitUntil(
      async () => (await readFile(own.bench.paths.streamLog, "utf8").catch(() => null)) !== null,
    );
    socket.destroy();
    await waitUntil(async () =>
      /upstream disconnected/.test(await readFile(own.bench.paths.streamLog, "utf8")),
    );
    await waitUntil(async () => (await own.readEnded()).length === 1);
  });
});
