import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { Agent, createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { openControlClient } from "../../src/run/control-client.js";
import { startShim } from "../../src/run/start-shim.js";
import { openNginxWith, type NginxCoreOptions } from "../../src/route/open-nginx.js";
import { findSetpriv } from "../../src/route/low-ports.js";
import { planNginx } from "../../src/route/plan-nginx.js";
import { planRoutes } from "../../src/route/plan-routes.js";
import { switchUnix } from "../../src/route/switch-unix.js";
import { call } from "./call.js";
import { nginxUser, openBench, type NginxBench } from "./real-nginx.js";
import { makeTarget } from "./targets.js";
import { waitUntil } from "./wait-until.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(wish: Partial<NginxCoreOptions> = {}): Promise<NginxBench> {
  const bench = await openBench(wish);
  cleanups.push(() => bench.close());
  return bench;
}

const stopped = (name: string) =>
  makeTarget({ environmentId: `env-${name}`, hostNames: [`${name}.localhost`], state: "stopped" });

async function listWorkers(bench: NginxBench): Promise<readonly string[]> {
  const master = await bench.nginx.pid();
  return (await readFile(`/proc/${master}/task/${master}/children`, "utf8")).trim().split(" ");
}

describe("apply", () => {
  test("starts nginx unprivileged, below its own prefix", async () => {
    const bench = await open();
    expect(await bench.nginx.pid()).toBeUndefined();
    await bench.serve([stopped("a")]);
    const master = await bench.nginx.pid();
    for (const pid of [master, ...(await listWorkers(bench))]) {
      const uid = /^Uid:\t(\d+)/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1];
      expect(Number(uid)).toBe(nginxUser?.uid ?? process.getuid?.());
    }
    expect((await readdir(bench.paths.prefix)).toSorted()).toEqual([
      "log",
      "nginx.conf",
      "run",
      "shim",
      "temp",
      "tls",
    ]);
    expect((await call(bench.port, { host: "a.localhost" })).status).toBe(503);
  });

  test("when it resolves, every fresh connection finds the new routes", async () => {
    const bench = await open();
    await bench.serve([]);
    for (let round = 0; round < 8; round++) {
      await bench.serve(Array.from({ length: round + 1 }, (_, index) => stopped(`a${index}`)));
      const answers = await Promise.all(
        Array.from({ length: 40 }, () => call(bench.port, { host: `a${round}.localhost` })),
      );
      expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([503]));
    }
  });

  test("the same text again reloads nothing, and several in a moment become one", async () => {
    const bench = await open();
    await bench.serve([stopped("a")]);
    const workers = await listWorkers(bench);
    await bench.serve([stopped("a")]);
    expect(await listWorkers(bench)).toEqual(workers);
    await Promise.all(["b", "c", "d"].map((name) => bench.serve([stopped("a"), stopped(name)])));
    expect((await call(bench.port, { host: "d.localhost" })).status).toBe(503);
    expect((await call(bench.port, { host: "b.localhost" })).status).toBe(404);
    expect(
      await readFile(bench.paths.errorLog, "utf8").then((log) =>
        log.match(/signal process started|reconfiguring/g),
      ),
    ).toBeNull();
  });

  test("a text that nginx refuses changes nothing", async () => {
    const bench = await open();
    await bench.serve([stopped("a")]);
    const before = await readFile(bench.paths.config, "utf8");
    const master = await bench.nginx.pid();
    await expect(
      bench.nginx.apply(bench.plan([]).replace("sendfile on;", "sendfile maybe;")),
    ).rejects.toMatchObject({
      code: "ERR_NGINX_CONFIG",
      message: expect.stringMatching(/invalid value "maybe" in "sendfile" directive.*nginx\.conf:\d+/),
    });
    expect(await readFile(bench.paths.config, "utf8")).toBe(before);
    expect(await bench.nginx.pid()).toBe(master);
    expect((await call(bench.port, { host: "a.localhost" })).status).toBe(503);
    await bench.serve([stopped("b")]);
    expect((await call(bench.port, { host: "b.localhost" })).status).toBe(503);
  });

  test.skipIf(nginxUser === null)(
    "may open low ports without being root, where that is given away",
    async () => {
      const user = nginxUser ?? { uid: 0, gid: 0 };
      const setpriv = await findSetpriv(user);
      expect(setpriv).toMatch(/setpriv$/);
      const before = await openBench();
      const program = { ...before.options.program, setpriv };
      await before.close();
      const bench = await open({ program });
      // Nobody else has it, and nobody is asked for the port that tests share.
      const address = "127.73.19.7";
      const low = { ...bench.facts, listen: [...bench.facts.listen, { address, port: 80 }] };
      await bench.nginx.apply(planNginx(planRoutes([stopped("a")]), low));
      for (const pid of [await bench.nginx.pid(), ...(await listWorkers(bench))]) {
        const status = await readFile(`/proc/${pid}/status`, "utf8");
        expect(/^Uid:\t(.*)/m.exec(status)?.[1]).toBe(Array(4).fill(user.uid).join("\t"));
        expect(/^CapEff:\t(.*)/m.exec(status)?.[1]).toBe("0000000000000400");
        expect(/^CapBnd:\t(.*)/m.exec(status)?.[1]).toBe("0000000000000400");
      }
      const answer = await fetch(`http://${address}/`, { headers: { host: "a.localhost" } });
      expect(answer.status).toBe(404);
    },
  );

  test("a port that is taken is told with its holder, before and after the start", async () => {
    const bench = await open();
    const holder = createTcpServer().listen(bench.port, "127.0.0.1");
    await once(holder, "listening");
    await expect(bench.serve([])).rejects.toMatchObject({
      code: "ERR_PORT_TAKEN",
      message: expect.stringContaining(`pid ${process.pid}`),
      hint: expect.stringContaining("--http-port"),
    });
    expect(await bench.nginx.pid()).toBeUndefined();
    holder.close();
    await once(holder, "close");
    await bench.serve([stopped("a")]);
    expect((await call(bench.port, { host: "a.localhost" })).status).toBe(503);
  });

  test("a daemon that comes back takes the running nginx over", async () => {
    const bench = await open();
    await bench.serve([stopped("a")]);
    const master = await bench.nginx.pid();
    const workers = await listWorkers(bench);
    bench.nginx.close();
    const later = await openNginxWith(bench.options);
    cleanups.push(() => later.close());
    await later.apply(bench.plan([stopped("a")]));
    expect(await later.pid()).toBe(master);
    expect(await listWorkers(bench)).toEqual(workers);
    await later.apply(bench.plan([stopped("b")]));
    expect(await later.pid()).toBe(master);
    expect((await call(bench.port, { host: "b.localhost" })).status).toBe(503);
  });

  test("an nginx without a supervisor is replaced by one with", async () => {
    const bench = await open();
    await bench.serve([stopped("a")]);
    const orphan = await bench.nginx.pid();
    const forgetful: NginxCoreOptions = {
      ...bench.options,
      supervisor: {
        startShim: (spec) => bench.supervisor.startShim(spec),
        openControl: async (path) =>
          (await bench.nginx.pid()) === orphan
            ? Promise.reject(new Error("no shim"))
            : bench.supervisor.openControl(path),
      },
    };
    const later = await openNginxWith(forgetful);
    cleanups.push(() => later.stop());
    await later.apply(bench.plan([stopped("b")]));
    expect(await later.pid()).not.toBe(orphan);
    expect((await call(bench.port, { host: "b.localhost" })).status).toBe(503);
  });

  test("stopping ends it, twice", async () => {
    const bench = await open();
    await bench.serve([stopped("a")]);
    await bench.nginx.stop();
    await bench.nginx.stop();
    expect(await bench.nginx.pid()).toBeUndefined();
    await expect(call(bench.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test("a thousand apps", async () => {
    const bench = await open();
    const targets = Array.from({ length: 1000 }, (_, index) =>
      makeTarget({ environmentId: `env-${index}`, hostNames: [`app-${index}-local.localhost`] }),
    );
    await bench.serve(targets);
    const started = performance.now();
    await bench.serve([...targets, stopped("one-more")]);
    console.log(`one more app beside 1000: ${Math.round(performance.now() - started)} ms`);
    expect((await call(bench.port, { host: "one-more.localhost" })).status).toBe(503);
  });
});

test("a unix socket is switched under full load without one failure", async () => {
  const bench = await open();
  const stable = join(bench.home, "stable.sock");
  const sockets = ["a", "b"].map((name) => join(bench.home, `${name}.sock`));
  for (const path of sockets) {
    const server = createServer((incoming, response) =>
      incoming.resume().on("end", () => response.end(path.at(-6))),
    ).listen(path);
    await once(server, "listening");
    cleanups.push(() => (server.closeAllConnections(), server.close()));
  }
  await switchUnix(stable, sockets[0] ?? "", nginxUser);
  await bench.serve([makeTarget({ servers: [{ kind: "unix", path: stable }] })]);

  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  cleanups.push(() => agent.destroy());
  const counts = new Map<string, number>();
  const end = Date.now() + 2500;
  const load = Array.from({ length: 16 }, async (_, client) => {
    while (Date.now() < end) {
      const answer = await call(bench.port, {
        agent,
        method: client % 2 === 0 ? "GET" : "POST",
        body: client % 2 === 0 ? "" : "x",
      });
      const key = `${answer.status} ${answer.body}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  });
  for (let round = 1; Date.now() < end - 300; round++) {
    await switchUnix(stable, sockets[round % 2] ?? "", nginxUser);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await Promise.all(load);
  console.log("unix switch", counts);
  expect([...counts.keys()].toSorted()).toEqual(["200 a", "200 b"]);
});

const shim =
  process.env["BLOOM_SHIM"] ?? fileURLToPath(new URL("../../../../.bloom/bin/bloom-shim", import.meta.url));

describe.skipIf(!existsSync(shim))("under the real shim", () => {
  test("a killed nginx is back at once, with its sockets, and can be reloaded and stopped", async () => {
    const bench = await open({
      supervisor: { startShim: (spec) => startShim(shim, spec), openControl: openControlClient },
    });
    await bench.serve([stopped("a")]);
    const killed = await bench.nginx.pid();
    process.kill(killed ?? 0, "SIGKILL");
    const started = performance.now();
    await waitUntil(async () => {
      const pid = await bench.nginx.pid();
      return (
        pid !== undefined &&
        pid !== killed &&
        (await call(bench.port).then(
          () => true,
          () => false,
        ))
      );
    });
    console.log(`back after ${Math.round(performance.now() - started)} ms`);
    await bench.serve([stopped("b")]);
    expect((await call(bench.port, { host: "b.localhost" })).status).toBe(503);
    await bench.nginx.stop();
    expect(await bench.nginx.pid()).toBeUndefined();
  });
});
