import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { completeLocation, type LocationConfig } from "@bloomery/contract";
import { call } from "./call.js";
import { openBench, type NginxBench } from "./real-nginx.js";
import { closeServers, listen } from "./serve-app.js";
import { makeTarget } from "./targets.js";

let bench: NginxBench;
beforeAll(async () => {
  bench = await openBench();
});
afterEach(closeServers);
afterAll(() => bench.close());

async function serve(locations: Record<string, Partial<LocationConfig>>, port: number): Promise<void> {
  const artifactDir = join(bench.home, "tree");
  await mkdir(join(artifactDir, "public"), { recursive: true });
  await writeFile(join(artifactDir, "public/a.txt"), "a");
  await chmod(artifactDir, 0o755);
  const complete = Object.entries(locations).map(([key, one]) => [key, completeLocation(one)] as const);
  const servers = [{ kind: "tcp", address: "127.0.0.1", port } as const];
  await bench.serve([makeTarget({ servers, artifactDir, locations: Object.fromEntries(complete) })]);
}

describe("request_buffering", () => {
  const limited = { requestBuffering: { enabled: true, maxBodyBytes: 1000 } };
  const port = () =>
    listen(
      createServer((incoming, response) => void incoming.resume().on("end", () => response.end("fine"))),
    );

  test("a body beyond the limit of its location is 413 with a page", async () => {
    await serve({ "/": {}, "/small": limited }, await port());
    const body = "x".repeat(1001);
    expect(await call(bench.port, { method: "POST", path: "/small/x", body })).toMatchObject({
      status: 413,
      body: expect.stringContaining("max_request_size"),
    });
    expect((await call(bench.port, { method: "POST", path: "/other", body })).status).toBe(200);
    expect((await call(bench.port, { method: "POST", path: "/small", body: body.slice(1) })).status).toBe(
      200,
    );
  });

  test("so is one that does not tell its length", async () => {
    await serve({ "/": limited }, await port());
    const wish = { method: "POST", body: "x".repeat(5000), headers: { "transfer-encoding": "chunked" } };
    expect((await call(bench.port, wish)).status).toBe(413);
  });

  test("no limit", async () => {
    const requestBuffering = { enabled: true, maxBodyBytes: Number.MAX_SAFE_INTEGER };
    await serve({ "/": { requestBuffering } }, await port());
    expect((await call(bench.port, { method: "POST", body: "x".repeat(5_000_000) })).status).toBe(200);
  });
});

describe("headers", () => {
  test("what the app may trust is ours, whatever the client says", async () => {
    const seen: IncomingHttpHeaders[] = [];
    const port = await listen(
      createServer(({ headers }, response) => void (seen.push(headers), response.end())),
    );
    await serve({ "/": {} }, port);
    const forged = ["client-ssl", "original-route", "client-verify", "client-cert"].map((name) => [
      `x-${name}`,
      "forged",
    ]);
    await call(bench.port, {
      headers: {
        ...Object.fromEntries(forged),
        "x-client-ip": "9.9.9.9",
        "x-forwarded-for": "1.2.3.4",
        proxy: "evil",
      },
    });
    expect(seen[0]).toMatchObject({
      host: "shop-local.localhost",
      "x-client-ip": "127.0.0.1",
      "x-forwarded-for": "1.2.3.4, 127.0.0.1",
      "x-forwarded-proto": "http",
      "x-original-route": "http://{default}/",
    });
    for (const name of ["x-client-ssl", "x-client-verify", "x-client-cert", "proxy"])
      expect(seen[0]).not.toHaveProperty(name);
  });

  test("an app cannot make nginx show a file, and its orders are not passed on", async () => {
    const port = await listen(
      createServer((_incoming, response) =>
        response
          .writeHead(200, {
            "X-Accel-Redirect": "/public/a.txt",
            "X-Accel-Limit-Rate": "1",
            "X-Accel-Buffering": "no",
          })
          .end("x".repeat(2000)),
      ),
    );
    await serve({ "/": {}, "/public": { root: "public" } }, port);
    const answer = await call(bench.port, { path: "/x" });
    expect(answer.body).toHaveLength(2000);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith("x-accel"))).toEqual([]);
  });
});

test("what is forbidden is logged, with the app's name", async () => {
  await serve({ "/": { root: "public", passthru: false, allow: false } }, 9);
  expect((await call(bench.port, { path: "/a.txt" })).status).toBe(403);
  const log = await readFile(bench.paths.errorLog, "utf8");
  expect(log).toMatch(/forbidden by rule.*server: shop-local\.localhost, request: "GET \/a\.txt/);
});

test("an expression that explodes ends its own request and holds up nobody for long", async () => {
  const rules = [{ pattern: "^/(a+)+$", allow: false }];
  await serve(
    { "/": { root: "public", rules }, "/other": {} },
    await listen(createServer((_in, out) => out.end("fine"))),
  );
  const begin = performance.now();
  const slow = call(bench.port, { path: `/${"a".repeat(4000)}!` });
  const quick = await Promise.all(Array.from({ length: 8 }, () => call(bench.port, { path: "/other/x" })));
  const quickMs = performance.now() - begin;
  expect(quick.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  expect((await slow).status).toBe(500);
  expect(quickMs).toBeLessThan(3000);
});
