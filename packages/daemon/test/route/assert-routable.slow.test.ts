import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { completeLocation, type LocationConfig } from "@bloomery/contract";
import { assertRoutable, checkLocations, type CheckingNginx } from "../../src/route/assert-routable.js";
import { findModules } from "../../src/route/nginx-modules.js";
import { readNginxVersion } from "../../src/route/run-nginx.js";
import { makeCertificate } from "./certificate.js";
import { makeStream, makeTcpApp } from "./serve-stream.js";
import { nginxBinary } from "./real-nginx.js";
import { makeFunction } from "./serve-function.js";
import { makeTarget } from "./targets.js";

let nginx: CheckingNginx;
beforeAll(async () => {
  nginx = { binary: nginxBinary, version: await readNginxVersion(nginxBinary) };
});

const withRules = (...patterns: string[]): Record<string, LocationConfig> => ({
  "/": completeLocation({}),
  "/a": completeLocation({ root: "public", rules: patterns.map((pattern) => ({ pattern })) }),
});

describe("checkLocations", () => {
  test("nothing to say about what is fine", async () => {
    expect(
      await checkLocations(nginx, withRules("\\.css$", '["{};$]', "(?<uri>x)\\k<uri>", "é", "#")),
    ).toEqual([]);
  });

  test("names each expression that does not compile", async () => {
    const problems = await checkLocations(nginx, withRules("fine", "(open", "also fine", "[z-a]", "*x"));
    expect(problems.map(({ location, pattern }) => [location, pattern])).toEqual([
      ["/a", "(open"],
      ["/a", "[z-a]"],
      ["/a", "*x"],
    ]);
    expect(problems[0]?.message).toMatch(/parenthes/);
  });
});

describe("assertRoutable", () => {
  test("passes functions, except those that nothing here can guard", async () => {
    const access = { kind: "bearer", authority: "/nowhere/authority.sock" } as const;
    const gate = { socket: "/nowhere/gate.sock", answers: true };
    for (const own of [{}, { access }, { gate }, { access, gate }]) {
      await expect(assertRoutable(nginx, makeFunction("/nowhere", own))).resolves.toBeUndefined();
    }
    const refused = makeFunction("/nowhere", { access: { kind: "refused" } });
    await expect(assertRoutable(nginx, refused)).rejects.toMatchObject({
      code: "ERR_SYSTEM_PACKAGE_MISSING",
      message: expect.stringContaining("http_auth_request"),
    });
  });

  test("passes what nginx takes", async () => {
    const target = makeTarget({ locations: withRules("\\.css$"), artifactDir: "/app" });
    await expect(assertRoutable(nginx, target)).resolves.toBeUndefined();
  });

  test("passes a stopped app only when it could be started", async () => {
    const target = makeTarget({ state: "stopped", locations: withRules("(") });
    await expect(assertRoutable(nginx, target)).rejects.toMatchObject({ code: "ERR_MANIFEST_INVALID" });
  });

  test("says which rule of which location", async () => {
    await expect(assertRoutable(nginx, makeTarget({ locations: withRules("(open") }))).rejects.toMatchObject({
      code: "ERR_MANIFEST_INVALID",
      message: expect.stringContaining("the rule `(open` of the location `/a`"),
      hint: expect.stringContaining("`bloom validate` does not"),
    });
  });

  test("says what else nginx refuses", async () => {
    const locations = { "/": completeLocation({ root: "public", headers: { "X-Long": "x".repeat(3800) } }) };
    await expect(
      assertRoutable(nginx, makeTarget({ locations, artifactDir: `/${"y".repeat(3900)}` })),
    ).rejects.toThrow();
    await assertRoutable(nginx, makeTarget({ locations, artifactDir: "/app" }));
  });
});

describe("ports of a tcp app", () => {
  let tree: string;
  let able: CheckingNginx;
  beforeAll(async () => {
    able = { ...nginx, ...(await findModules(nginxBinary)) };
    tree = await mkdtemp(join(tmpdir(), "bloom-tree-"));
    await makeCertificate(tree);
    await makeCertificate(tree, "other");
    await writeFile(join(tree, "broken.crt"), "no certificate");
    return () => rm(tree, { recursive: true });
  });
  const withTls = (certificate: string, key: string) =>
    makeTcpApp(
      [makeStream({ port: 80, tls: { certificate: join(tree, certificate), key: join(tree, key) } })],
      { artifactDir: tree },
    );

  test("pass without being opened, low ones and several too", async () => {
    const streams = [
      makeStream({ port: 1, proxyProtocol: "v1", allow: ["::/0"] }),
      makeStream({ maxConnections: 1 }),
    ];
    for (const target of [makeTcpApp(streams), withTls("server.crt", "server.key")])
      await expect(assertRoutable(able, target)).resolves.toBeUndefined();
  });

  test.each([
    ["broken.crt", "server.key", /nginx refuses the app's ports: .*broken\.crt/],
    ["server.crt", "broken.crt", /nginx refuses the app's ports: .*broken\.crt/],
    ["server.crt", "other.key", /nginx refuses the app's ports: .*other\.key.*mismatch/],
    ["none.crt", "server.key", /the TLS file none\.crt of local:chat is not there after the build/],
    ["../../etc/hostname", "server.key", /cannot be used: it leads out of the app/],
    [".", "server.key", /cannot be used/],
  ])(
    "the certificate %s with the key %s is refused with the file's name",
    async (certificate, key, words) => {
      const target = withTls(certificate, key);
      await expect(assertRoutable(able, target)).rejects.toMatchObject({
        code: "ERR_MANIFEST_INVALID",
        message: expect.stringMatching(words),
      });
      // Before the build there is no file to look at.
      await assertRoutable(able, target, false);
    },
  );
});
