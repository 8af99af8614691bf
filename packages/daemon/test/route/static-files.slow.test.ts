import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { completeLocation, type LocationConfig } from "@bloomery/contract";
import { generationMark } from "../../src/route/plan-nginx.js";
import type { RouteTarget } from "../../src/route/plan-routes.js";
import { quoteNginxValue } from "../../src/route/quote-nginx.js";
import { call } from "./call.js";
import { openBench, type NginxBench } from "./real-nginx.js";
import { makeTarget } from "./targets.js";

let bench: NginxBench;
let app: Server;
let port: number;
beforeAll(async () => {
  bench = await openBench();
  app = createServer((incoming, response) => response.end(`app ${incoming.method} ${incoming.url}`)).listen(
    0,
    "127.0.0.1",
  );
  await once(app, "listening");
  port = (app.address() as AddressInfo).port;
});
afterAll(async () => {
  app.close();
  await bench.close();
});

async function serve(
  locations: Record<string, LocationConfig>,
  files: Record<string, string>,
  folder = "artifact",
  mounts: RouteTarget["mounts"] = [],
): Promise<void> {
  const artifactDir = join(bench.home, folder);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(artifactDir, path)), { recursive: true });
    await writeFile(join(artifactDir, path), text);
  }
  await chmod(artifactDir, 0o755);
  await bench.serve([
    makeTarget({ servers: [{ kind: "tcp", address: "127.0.0.1", port }], locations, artifactDir, mounts }),
  ]);
}

const location = (wish: Partial<LocationConfig>): LocationConfig =>
  completeLocation({ passthru: false, ...wish });
const files = {
  "public/a.css": "css",
  "public/dir/b.txt": "b",
  "public/with space.html": "space",
  "secret.txt": "secret",
};

describe("web.locations", () => {
  test("a root with passthru: files first, everything else to the app", async () => {
    await serve({ "/": location({ root: "public", passthru: true }) }, files);
    expect(await call(bench.port, { path: "/a.css" })).toMatchObject({
      status: 200,
      body: "css",
      headers: { "content-type": "text/css" },
    });
    expect(await call(bench.port, { path: "/with%20space.html?x=1" })).toMatchObject({
      status: 200,
      body: "space",
    });
    expect(await call(bench.port, { path: "/missing?q=%41" })).toMatchObject({
      body: "app GET /missing?q=%41",
    });
    expect(await call(bench.port, { path: "/dir/" })).toMatchObject({ body: "app GET /dir/" });
    expect(await call(bench.port, { path: "/dir" })).toMatchObject({ body: "app GET /dir" });
    expect(await call(bench.port, { path: "/a.css", method: "POST", body: "x" })).toMatchObject({
      body: "app POST /a.css",
    });
    expect(await call(bench.port, { path: "/a.css", method: "DELETE" })).toMatchObject({
      body: "app DELETE /a.css",
    });
    expect((await call(bench.port, { path: "/a.css", method: "HEAD" })).headers["content-length"]).toBe("3");
  });

  test("a root alone: 404 for what is missing, 403 for a folder, 405 for a write", async () => {
    await serve({ "/": location({ root: "public" }) }, files);
    expect(await call(bench.port, { path: "/a.css" })).toMatchObject({ status: 200, body: "css" });
    expect(await call(bench.port, { path: "/missing" })).toMatchObject({
      status: 404,
      body: expect.stringContaining("Nothing is served"),
    });
    expect((await call(bench.port, { path: "/dir/" })).status).toBe(403);
    expect((await call(bench.port, { path: "/a.css", method: "POST" })).status).toBe(405);
  });

  test("a prefix of its own maps to its folder and ends at a segment", async () => {
    await serve({ "/": location({ passthru: true }), "/static": location({ root: "public" }) }, files);
    expect(await call(bench.port, { path: "/static/dir/b.txt" })).toMatchObject({ status: 200, body: "b" });
    expect((await call(bench.port, { path: "/static/missing" })).status).toBe(404);
    expect((await call(bench.port, { path: "/static" })).status).toBe(403);
    expect(await call(bench.port, { path: "/statically" })).toMatchObject({ body: "app GET /statically" });
  });

  test("not allowed: a file is 403 without passthru and the app's with it", async () => {
    await serve({ "/": location({ root: "public", allow: false }) }, files);
    expect((await call(bench.port, { path: "/a.css" })).status).toBe(403);
    expect((await call(bench.port, { path: "/missing" })).status).toBe(404);
    await serve({ "/": location({ root: "public", allow: false, passthru: true }) }, files);
    expect(await call(bench.port, { path: "/a.css" })).toMatchObject({ body: "app GET /a.css" });
  });

  test("what an app does in a mount is seen at once; a release keeps what was asked for once", async () => {
    const source = join(bench.home, "mount");
    await mkdir(source, { recursive: true });
    await chmod(source, 0o755);
    const locations = { "/": location({ root: "public", index: ["index.html"] }) };
    await serve(locations, files, "cached", [{ path: "public/data", source }]);
    const get = async (path: string): Promise<unknown> => {
      const { status, body } = await call(bench.port, { path });
      return status === 200 ? body : status;
    };
    expect(await get("/data/a.txt")).toBe(404);
    await writeFile(join(source, "a.txt"), "first");
    expect(await get("/data/a.txt")).toBe("first");
    await rm(join(source, "a.txt"));
    await writeFile(join(source, "a.txt"), "second");
    expect(await get("/data/a.txt")).toBe("second");
    await rm(join(source, "a.txt"));
    expect(await get("/data/a.txt")).toBe(404);
    expect(await get("/data/")).toBe(403);
    await writeFile(join(source, "index.html"), "index");
    expect(await get("/data/")).toBe("index");

    expect(await get("/a.css")).toBe("css");
    await serve(locations, { ...files, "public/a.css": "new" }, "cached-next");
    expect(await get("/a.css")).toBe("new");
  });

  test("nothing static and no passthru is 404", async () => {
    await serve({ "/": location({ passthru: true }), "/closed": location({}) }, files);
    expect((await call(bench.port, { path: "/closed" })).status).toBe(404);
    expect((await call(bench.port, { path: "/closed/x" })).status).toBe(404);
    expect(await call(bench.port, { path: "/open" })).toMatchObject({ body: "app GET /open" });
  });

  test.each(["/../secret.txt", "/%2e%2e/secret.txt", "/dir/../../secret.txt", "/..%2fsecret.txt"])(
    "%s leaves no root",
    async (path) => {
      await serve({ "/": location({ root: "public" }) }, files);
      const answer = await call(bench.port, { path });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.body).not.toContain("secret\n");
      expect(answer.body).not.toBe("secret");
    },
  );

  test("folders and prefixes of any spelling are served as they are spelled", async () => {
    const folder = "a \"b\" $host {c}; 'd' \\ #é";
    const prefix = '/p "q" $uri {r}; \\s';
    await serve({ "/": location({}), [prefix]: location({ root: "public" }) }, files, folder);
    const answer = await call(bench.port, { path: encodeURI(`${prefix}/a.css`).replaceAll(";", "%3B") });
    expect(answer).toMatchObject({ status: 200, body: "css" });
  });
});

test("nginx reads every quoted text back as it was", async () => {
  const nasty = fc
    .array(
      fc.constantFrom(
        '"',
        "'",
        "\\",
        "$",
        "${",
        "}",
        "{",
        ";",
        "\n",
        "\t",
        " ",
        "#",
        "host",
        "a",
        "\\n",
        "\r",
        "é",
        "\u{1f980}",
      ),
      {
        maxLength: 30,
      },
    )
    .map((parts) => parts.join(""));
  const texts = [...fc.sample(nasty, 300), ...fc.sample(fc.string({ unit: "grapheme" }), 200)].filter(
    (text) => !text.includes("\0"),
  );
  const locations = texts.map(
    (text, index) => `location = /${index} { default_type text/plain; return 200 ${quoteNginxValue(text)}; }`,
  );
  const text = bench.plan([]).replace('server_name "";', `server_name "";\n${locations.join("\n")}`);
  expect(text).toContain(generationMark);
  await bench.nginx.apply(text);
  for (const [index, expected] of texts.entries()) {
    expect((await call(bench.port, { path: `/${index}` })).body).toBe(expected);
  }
});
