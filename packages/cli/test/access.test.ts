import { afterEach, beforeEach, expect, test } from "vitest";
import { run, startFakeDaemon, type FakeDaemon } from "./fake-daemon.js";

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await startFakeDaemon();
  const token = { id: "tok-1", name: "ci", role: "developer", org: null, app: null };
  const times = { createdAt: "2026-01-01T00:00:00.000Z", lastUsedAt: null, expiresAt: null };
  daemon.answers.createToken = { body: { ...token, ...times, secret: "s3cret" } };
});
afterEach(() => daemon.close());

const create = (...flags: string[]): ReturnType<typeof run> =>
  run(["token", "create", "ci", ...flags], { BLOOM_API: daemon.url });

test("a token's secret is all that is printed", async () => {
  expect(await create()).toMatchObject({ code: 0, stdout: "s3cret\n" });
  expect(daemon.calls[0]?.body).toEqual({
    name: "ci",
    role: "developer",
    org: null,
    app: null,
    expiresInSeconds: null,
  });
});

test.each([
  [["--app", "shop"], { org: "local", app: "shop" }],
  [["--app", "acme:shop"], { org: "acme", app: "shop" }],
  [["--app", "shop", "--org", "acme"], { org: "acme", app: "shop" }],
  [["--org", "acme"], { org: "acme", app: null }],
  [["--expires", "30"], { expiresInSeconds: 2_592_000 }],
])("%j limits it", async (flags, body) => {
  expect((await create(...flags)).code).toBe(0);
  expect(daemon.calls[0]?.body).toMatchObject(body);
});

test.each([
  ["--expires", "30d"],
  ["--expires", "never"],
  ["--expires", "0"],
  ["--role", "root"],
  ["--app", "a:b:c"],
  ["--app", "acme:shop", "--org", "other"],
])("%s %s is refused, rather than making a token that may too much", async (...flags) => {
  expect(await create(...flags)).toMatchObject({ code: 2, stdout: "" });
  expect(daemon.calls).toEqual([]);
});
