import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { completeLocation } from "@bloomery/contract";
import { findModules, readFeatures } from "../../src/route/nginx-modules.js";
import { call } from "./call.js";
import { nginxBinary, openBench, type NginxBench } from "./real-nginx.js";
import { makeTarget } from "./targets.js";

let found: Awaited<ReturnType<typeof findModules>>;
beforeAll(async () => {
  found = await findModules(nginxBinary);
});

let bench: NginxBench | undefined;
afterEach(async () => {
  await bench?.close();
  bench = undefined;
});

async function serve(modules: readonly string[]): Promise<NginxBench> {
  const opened = await openBench({ modules });
  bench = opened;
  const artifactDir = join(opened.home, "tree");
  await mkdir(artifactDir);
  await writeFile(join(artifactDir, "long.css"), "body { color: red }\n".repeat(100));
  await writeFile(join(artifactDir, "pre.bin"), "plain");
  await writeFile(join(artifactDir, "pre.bin.br"), brotliCompressSync("squeezed"));
  await chmod(artifactDir, 0o755);
  const locations = { "/": completeLocation({ root: "", passthru: false, expiresSeconds: 60 }) };
  await opened.serve([makeTarget({ locations, artifactDir })]);
  return opened;
}

const accepting = { "accept-encoding": "gzip, br" };

describe("without modules", () => {
  test("gzip it is, and nginx is named", async () => {
    const { port } = await serve([]);
    const answer = await call(port, { path: "/long.css", headers: accepting });
    expect(answer.headers).toMatchObject({ "content-encoding": "gzip", server: "nginx" });
    expect((await call(port, { path: "/pre.bin", headers: accepting })).body).toBe("plain");
  });

  test("what is lost is said, each with its package", () => {
    expect(found.asksAuthority).toBe(true);
    const features = readFeatures(found.modules);
    const lost = [...Object.values(features), found.stream !== null].filter((has) => !has);
    expect(found.lost).toHaveLength(lost.length);
    for (const line of found.lost) expect(line).toMatch(/\(libnginx-mod-[a-z-]+\)$/);
  });

  test("a file that is no module is not loaded", async () => {
    const nothing = await findModules("/bin/true");
    expect(nothing).toMatchObject({ modules: [], asksAuthority: false, stream: null });
    expect(nothing.lost).toHaveLength(5);
  });

  test.each([
    ["--with-stream --with-stream_ssl_module", { tls: true }],
    ["--with-stream", { tls: false }],
    ["--with-stream_ssl_module --with-stream", { tls: true }],
    ["--with-stream=dynamic --with-stream_ssl_module", null],
    ["--with-stream_ssl_module", null],
  ])("an nginx built %s has for raw TCP: %j", async (flags, stream) => {
    const folder = await mkdtemp(join(tmpdir(), "bloom-ng-"));
    try {
      const program = join(folder, "nginx");
      await writeFile(
        program,
        `#!/bin/sh\necho "configure arguments: --modules-path=${folder} ${flags}" >&2\n`,
      );
      await chmod(program, 0o755);
      const built = await findModules(program);
      expect(built).toMatchObject({ modules: [], stream });
      expect(built.lost.includes("tcp apps are refused (libnginx-mod-stream)")).toBe(stream === null);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("with modules", () => {
  test("brotli for what may be kept, and files compressed beforehand", async (context) => {
    const { brotli, brotliStatic } = readFeatures(found.modules);
    if (!brotli || !brotliStatic) context.skip("nginx has no brotli here");
    const { port } = await serve(found.modules);
    const answer = await call(port, { path: "/long.css", headers: accepting });
    expect(answer.headers).toMatchObject({ "content-encoding": "br", vary: "Accept-Encoding" });
    const before = await call(port, { path: "/pre.bin", headers: accepting });
    expect(before.headers).toMatchObject({
      "content-encoding": "br",
      "content-type": "application/octet-stream",
    });
    expect((await call(port, { path: "/pre.bin" })).body).toBe("plain");
  });

  test("no answer names the server, pages included", async (context) => {
    if (!readFeatures(found.modules).headersMore) context.skip("nginx cannot leave headers out here");
    const { port } = await serve(found.modules);
    expect((await call(port, { path: "/long.css" })).headers["server"]).toBeUndefined();
    expect((await call(port, { path: "/none" })).headers["server"]).toBeUndefined();
    expect((await call(port, { host: "nobody.localhost" })).headers["server"]).toBeUndefined();
  });
});
