import { join } from "node:path";
import { readdir, readFile, stat } from "node:fs/promises";
import { Agent } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openAuthority, type Authority, type Bearer } from "../../src/deploy/function/authority.js";
import { createRefusals } from "../../src/deploy/function/refusals.js";
import type { RouteTarget } from "../../src/route/plan-routes.js";
import { call, type Answer, type Call } from "./call.js";
import { nginxUser, openBench, type NginxBench } from "./real-nginx.js";
import { callRaw, functionHost as host, listenAt, makeFunction, openInstance } from "./serve-function.js";
import { waitUntil } from "./wait-until.js";

let bench: NginxBench;
let instance: ReturnType<typeof openInstance>;
let authority: Authority;
let asked: string[];
let known: Map<string, Bearer>;
let clock: number;

const anything = { orgName: null, appName: null };

beforeEach(async () => {
  bench = await openBench();
  instance = openInstance();
  await listenAt(instance.server, join(bench.home, "instance.sock"));
  asked = [];
  known = new Map([["good", anything]]);
  clock = 0;
  await startAuthority();
  await bench.serve([target()]);
});
afterEach(async () => {
  instance.server.closeAllConnections();
  instance.server.close();
  await authority.close();
  await bench.close();
});

const socket = (): string => join(bench.home, "authority.sock");
const target = (wish: Partial<RouteTarget> = {}): RouteTarget =>
  makeFunction(bench.home, { access: { kind: "bearer", authority: socket() } }, wish);

async function startAuthority(): Promise<void> {
  authority = await openAuthority({
    path: socket(),
    owner: nginxUser,
    authenticate: async (secret) => {
      asked.push(secret);
      if (secret === "broken") throw new Error("the store is away");
      return known.get(secret);
    },
    refusals: createRefusals({ most: 3, now: () => clock }),
    log: { error: () => undefined },
  });
}

const ask = (token: string | undefined, wish: Call = {}): Promise<Answer> =>
  call(bench.port, {
    host,
    ...wish,
    headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...wish.headers },
  });

describe("who is turned away", () => {
  test("no token: 401, no word to other origins, and the daemon is not asked", async () => {
    for (const headers of [
      {},
      { authorization: "" },
      { authorization: "Bearer" },
      { authorization: "Basic Z29vZDo=" },
      { authorization: `Bearer ${"x".repeat(513)}` },
    ]) {
      const answer = await ask(undefined, {
        method: "POST",
        body: "{}",
        headers: { ...headers, origin: "https://a" },
      });
      expect(answer.status).toBe(401);
      expect(answer.headers["www-authenticate"]).toBe("Bearer");
      expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
      expect(answer.headers["x-ignite-execution-id"]).toBeUndefined();
      expect(JSON.parse(answer.body)).toEqual({ code: "ERR_UNAUTHENTICATED", error: expect.any(String) });
    }
    expect(asked).toEqual([]);
    expect(instance.seen).toHaveLength(0);
  });

  test("a browser's question without a token, too", async () => {
    const headers = { origin: "https://a", "access-control-request-method": "POST" };
    const answer = await ask(undefined, { method: "OPTIONS", headers });
    expect(answer.status).toBe(401);
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
  });

  test("a wrong token: 401", async () => {
    expect((await ask("wrong")).status).toBe(401);
    expect(asked).toEqual(["wrong"]);
    expect(instance.seen).toHaveLength(0);
  });

  test("tokens of another organization and of another app: 403", async () => {
    known.set("other-org", { orgName: "evil", appName: null });
    known.set("other-app", { orgName: "acme", appName: "shop" });
    for (const token of ["other-org", "other-app"]) {
      const answer = await ask(token);
      expect(answer.status).toBe(403);
      expect(JSON.parse(answer.body)).toMatchObject({ code: "ERR_FORBIDDEN" });
      expect(answer.headers["x-ignite-execution-id"]).toBeUndefined();
    }
    expect(instance.seen).toHaveLength(0);
  });

  test("a token good for one function is asked about again at the next", async () => {
    known.set("mine", { orgName: "acme", appName: "hello" });
    const other = { app: "other", environmentId: "env-other", hostNames: ["other-acme.localhost"] };
    await bench.serve([target(), target(other)]);
    expect((await ask("mine")).status).toBe(200);
    expect((await ask("mine", { host: "other-acme.localhost" })).status).toBe(403);
  });

  test("who guesses too often gets 429 without anything being looked up, and who is known none the later", async () => {
    const other = { app: "other", environmentId: "env-other", hostNames: ["other-acme.localhost"] };
    await bench.serve([target(), target(other)]);
    expect((await ask("good")).status).toBe(200);
    for (const token of ["a", "b", "c"]) expect((await ask(token)).status).toBe(401);
    known.set("fresh", anything);
    for (const token of ["d", "fresh"]) {
      const answer = await ask(token);
      expect(answer.status).toBe(429);
      expect(JSON.parse(answer.body)).toEqual({ code: "ERR_LIMIT_REACHED", error: expect.any(String) });
      expect(answer.headers).toMatchObject({ "retry-after": "60", "content-type": "application/json" });
      expect(answer.headers["x-ignite-execution-id"]).toBeUndefined();
    }
    expect(asked).toEqual(["good", "a", "b", "c"]);
    // At another function nginx does not know it yet.
    expect((await ask("good", { host: "other-acme.localhost" })).status).toBe(200);
    expect(asked.at(-1)).toBe("good");
    // What was not looked up is not remembered either.
    clock = 60_000;
    expect((await ask("fresh")).status).toBe(200);
    expect(instance.seen).toHaveLength(3);
  });

  test("two tokens are one too many", async () => {
    const head = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n`;
    const two = ["Authorization: Bearer good\r\n", "AUTHORIZATION: Bearer bad\r\n"];
    for (const headers of [two, two.toReversed()]) {
      expect(await callRaw(bench, `${head}${headers.join("")}\r\n`)).toMatch(/^HTTP\/1\.1 40[01] /);
    }
    expect(instance.seen).toHaveLength(0);
  });

  test("the authority's own address is nobody's", async () => {
    for (const path of ["/bloom:authority", "/bloom%3Aauthority", "bloom:authority", "//bloom:authority"]) {
      const answer = await callRaw(
        bench,
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nAuthorization: Bearer wrong\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 40[01] /);
    }
  });
});

describe("who may call", () => {
  test("the handler gets the request, without the platform's token", async () => {
    known.set("mine", { orgName: "acme", appName: "hello" });
    known.set("ours", { orgName: "acme", appName: null });
    for (const token of ["good", "mine", "ours"]) {
      const body = "x".repeat(token === "ours" ? 200_000 : 10);
      const answer = await ask(token, { method: "POST", path: "/a?b", body });
      expect(answer).toMatchObject({ status: 200, body: "fine" });
      expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
      expect(instance.seen.at(-1)).toMatchObject({ method: "POST", url: "/a?b", body });
      expect(instance.seen.at(-1)?.headers.authorization).toBeUndefined();
    }
  });

  test("a warm request does not ask the daemon", async () => {
    for (let index = 0; index < 20; index++) expect((await ask("good")).status).toBe(200);
    expect(asked).toEqual(["good"]);
  });

  test("a sleeping function is asked for once: the check is not made again at the hold", async () => {
    instance.server.close();
    const hold = openInstance((response) => response.end("woken"));
    await listenAt(hold.server, join(bench.home, "hold.sock"));
    for (const [method, size] of [
      ["GET", 0],
      ["POST", 10],
      ["POST", 200_000],
    ] as const) {
      expect(await ask("good", { method, body: "x".repeat(size) })).toMatchObject({
        status: 200,
        body: "woken",
      });
    }
    expect(hold.seen.map((one) => one.body.length)).toEqual([0, 10, 200_000]);
    expect(hold.seen[0]?.headers["x-ignite-execution-id"]).toMatch(/^x-/);
    expect(asked).toEqual(["good"]);
    hold.server.closeAllConnections();
    hold.server.close();
  });
});

describe("while the daemon is dead", () => {
  test("who was verified goes on, also when that is long ago; others get 503 and are let in later", async () => {
    expect((await ask("good")).status).toBe(200);
    await authority.close();
    expect((await ask("good")).status).toBe(200);
    // Ten seconds are over.
    await makeOld();
    expect((await ask("good")).status).toBe(200);
    known.set("new", anything);
    const answer = await ask("new", { method: "POST", body: "x" });
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "ERR_DAEMON_UNREACHABLE" });
    expect(answer.headers["retry-after"]).toBe("5");
    expect(instance.seen).toHaveLength(3);
    await startAuthority();
    expect((await ask("new")).status).toBe(200);
  }, 30_000);

  test("a store that fails is as good as a dead daemon", async () => {
    expect((await ask("broken")).status).toBe(503);
  });

  /** Waits until nginx takes what it remembers for old. */
  async function makeOld(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 11_000));
  }
});

test("a revoked token ends within ten seconds", async () => {
  const agent = new Agent({ keepAlive: true });
  expect((await ask("good")).status).toBe(200);
  known.delete("good");
  const begin = Date.now();
  let status = 200;
  while (status === 200 && Date.now() - begin < 15_000) status = (await ask("good", { agent })).status;
  agent.destroy();
  expect(status).toBe(401);
  expect(Date.now() - begin).toBeLessThan(12_000);
}, 30_000);

test("what nginx remembers of tokens is for nginx alone", async () => {
  await ask("good");
  const folder = join(bench.paths.temp, "authority");
  await waitUntil(async () => (await readdir(folder)).length > 0);
  expect((await stat(bench.paths.temp)).mode & 0o077).toBe(0);
  expect(await readFile(bench.paths.accessLog, "utf8")).not.toContain("good");
});
