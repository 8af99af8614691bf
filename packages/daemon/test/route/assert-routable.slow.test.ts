import { beforeAll, describe, expect, test } from "vitest";
import { completeLocation, type LocationConfig } from "@bloomery/contract";
import { assertRoutable, checkLocations, type CheckingNginx } from "../../src/route/assert-routable.js";
import { readNginxVersion } from "../../src/route/run-nginx.js";
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
