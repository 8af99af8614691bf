import { describe, expect, test } from "vitest";
import { planRoutes } from "../../src/route/plan-routes.js";
import { makeTarget } from "./targets.js";

describe("planRoutes", () => {
  test("gives the same table whatever the order of the environments", () => {
    const targets = ["b", "a", "c"].map((name) =>
      makeTarget({ environmentId: `env-${name}`, hostNames: [`${name}.localhost`] }),
    );
    const table = planRoutes(targets);
    expect(table.map((route) => route.environmentId)).toEqual(["env-a", "env-b", "env-c"]);
    expect(planRoutes(targets.toReversed())).toEqual(table);
  });

  test("host names are lower case and told once", () => {
    const [route] = planRoutes([
      makeTarget({ hostNames: ["Shop.Example.COM", "shop.example.com", "www.example.com"] }),
    ]);
    expect(route?.hostNames).toEqual(["shop.example.com", "www.example.com"]);
  });

  test("one host name cannot belong to two environments, in any spelling", () => {
    const targets = [
      makeTarget({ environmentId: "env-1", app: "shop", hostNames: ["shop.example.com"] }),
      makeTarget({
        environmentId: "env-2",
        app: "blog",
        environment: "next",
        hostNames: ["blog.example.com", "SHOP.example.com"],
      }),
    ];
    expect(() => planRoutes(targets)).toThrowError(
      expect.objectContaining({
        code: "ERR_ALREADY_EXISTS",
        message: "the host name shop.example.com of local:blog (next) belongs to local:shop (main) already",
      }),
    );
  });

  test.each([
    "",
    "*.example.com",
    "~^x$",
    ".example.com",
    "a b",
    'a";',
    "a..b",
    "a/b",
    "-a",
    "a-",
    "ä.example",
    `${"a".repeat(64)}.x`,
  ])("refuses %j as a host name", (name) => {
    expect(() => planRoutes([makeTarget({ hostNames: [name] })])).toThrowError(
      expect.objectContaining({ code: "ERR_INVALID_NAME" }),
    );
  });

  test.each([
    { kind: "tcp", address: "localhost", port: 80 } as const,
    { kind: "tcp", address: "1.2.3.4; evil", port: 80 } as const,
    { kind: "tcp", address: "1.2.3.4", port: 0 } as const,
    { kind: "tcp", address: "1.2.3.4", port: 65_536 } as const,
    { kind: "unix", path: "relative.sock" } as const,
  ])("refuses $kind $address$path:$port as a server", (server) => {
    expect(() => planRoutes([makeTarget({ servers: [server] })])).toThrowError(
      expect.objectContaining({ code: "ERR_INTERNAL" }),
    );
  });
});
