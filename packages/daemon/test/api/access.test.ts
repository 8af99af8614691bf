import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apiRoutes, BloomError, isRoleEnough, role, type ApiRoute, type RouteName } from "@bloomery/contract";
import type { FastifyInstance } from "fastify";
import type { Caller } from "../../src/api/caller.js";
import type { Handlers } from "../../src/api/handlers.js";
import { createApiServer } from "../../src/api/server.js";

/**
 * Every route of the contract is called by a stranger, by every role, and by tokens that are limited to
 * another organization or app. Handlers only note that they were reached.
 */
const reached: string[] = [];
const names = Object.keys(apiRoutes) as RouteName[];
const handlers = Object.fromEntries(
  names.map((name) => [
    name,
    () => {
      reached.push(name);
      if (name === "listVersions") throw new BloomError("ERR_NOTHING_TO_ROLL_BACK", "there is none");
      throw new Error("reached");
    },
  ]),
) as unknown as Handlers;

const everywhere = { orgId: null, orgName: null, appId: null, appName: null };
const callers: Record<string, Caller> = {
  ...Object.fromEntries(role.options.map((each) => [each, { name: each, role: each, ...everywhere }])),
  "other-org": { name: "o", role: "admin", orgId: "org-2", orgName: "other", appId: null, appName: null },
  "other-app": {
    name: "a",
    role: "admin",
    orgId: "org-1",
    orgName: "local",
    appId: "app-2",
    appName: "other",
  },
  "same-app": { name: "s", role: "admin", orgId: "org-1", orgName: "local", appId: "app-1", appName: "shop" },
};

let api: FastifyInstance;
beforeAll(async () => {
  api = createApiServer({
    handlers,
    authenticate: async (secret) => callers[secret],
    log: pino({ level: "silent" }),
    allowedHosts: ["localhost"],
  });
  await api.ready();
});
afterAll(() => api.close());

const places: Record<string, string> = {
  org: "local",
  app: "shop",
  environment: "main",
  tree: "a".repeat(64),
};

async function call(
  name: RouteName,
  secret: string | undefined,
  host = "localhost",
): Promise<{ status: number; code: string; ran: boolean }> {
  const route: ApiRoute = apiRoutes[name];
  reached.length = 0;
  const answer = await api.inject({
    method: route.method,
    url: route.path.replace(/:(\w+)/g, (_all, part: string) => places[part] ?? "some-id"),
    headers: {
      host,
      ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
      ...(route.rawBody === undefined ? {} : { "content-type": route.rawBody }),
    },
    ...(route.body === undefined ? {} : { payload: {} }),
  });
  const document = JSON.parse(answer.payload === "" ? "{}" : (answer.payload.split("\n")[0] ?? "{}")) as {
    error?: { code: string };
  };
  return { status: answer.statusCode, code: document.error?.code ?? "", ran: reached.length > 0 };
}

describe.each(names)("%s", (name) => {
  const route: ApiRoute = apiRoutes[name];
  const isPublic = route.access === "public";

  test("refuses a call without a token, and one with an unknown token", async () => {
    for (const secret of [undefined, "unknown"]) {
      const answer = await call(name, secret);
      expect(answer).toMatchObject(isPublic ? {} : { status: 401, code: "ERR_UNAUTHENTICATED", ran: false });
    }
  });

  test("answers to exactly the roles that include the one it declares", async () => {
    for (const held of role.options) {
      const answer = await call(name, held);
      const isEnough = isPublic || isRoleEnough(held, route.access);
      if (isEnough) expect(answer.status, held).not.toBe(403);
      else expect(answer, held).toMatchObject({ status: 403, code: "ERR_FORBIDDEN", ran: false });
    }
  });

  test("refuses tokens of another organization and of another app", async () => {
    const writes = route.method !== "GET";
    const needsOrg = route.scope !== "record" && (route.scope !== "platform" || writes);
    if (!isPublic && needsOrg) {
      expect(await call(name, "other-org")).toMatchObject({ status: 403, ran: false });
      expect(await call(name, "other-app")).toMatchObject({ status: 403, ran: false });
    }
    if (route.scope === "app") expect((await call(name, "same-app")).status).not.toBe(403);
    // Whose record it is only its handler can know.
    if (route.scope === "record") expect(await call(name, "other-org")).toMatchObject({ ran: true });
  });

  test("does not answer to a host name that a web page may have pointed here", async () => {
    expect(await call(name, "admin", "evil.example")).toMatchObject({ status: 403, ran: false });
  });
});

test("a token that is limited is not told to be of a larger role", async () => {
  const headers = { host: "localhost", authorization: "Bearer other-app" };
  const answer = await api.inject({ url: "/v1/ignite/app/local/shop", headers });
  expect(answer.json()).toMatchObject({
    error: {
      message: "the token is limited to the app other",
      hint: "Use a token that reaches it, or ask an admin for one.",
    },
  });
});

test("a hint names the app that the request is about", async () => {
  const headers = { host: "localhost", authorization: "Bearer admin" };
  for (const [org, ref] of [
    ["local", "shop"],
    ["acme", "acme:shop"],
  ]) {
    const answer = await api.inject({ url: `/v1/orgs/${org}/apps/shop/versions`, headers });
    expect(answer.json()).toMatchObject({
      error: { hint: `\`bloom versions ${ref}\` lists the versions.` },
    });
  }
});

test("an unknown route, a body that is not JSON and a wrong value say what to do", async () => {
  const headers = { host: "localhost", authorization: "Bearer admin" };
  const unknown = await api.inject({ url: "/v1/nothing", headers });
  expect([unknown.statusCode, unknown.json()]).toMatchObject([
    404,
    { error: { code: "ERR_NOT_FOUND", hint: "GET /v1/openapi.json describes every route." } },
  ]);
  const broken = await api.inject({
    method: "POST",
    url: "/v1/orgs",
    headers: { ...headers, "content-type": "application/json" },
    payload: "{no",
  });
  expect([broken.statusCode, broken.json()]).toMatchObject([
    400,
    { error: { code: "ERR_INVALID_ARGUMENT" } },
  ]);
  const silent = await api.inject({
    method: "POST",
    url: "/v1/ignite/app/local/shop/draft/compile",
    headers: { ...headers, "content-type": "application/json" },
  });
  // Nothing to say is said with this header by many clients; where something is needed, it is missed.
  expect(silent.json()).toMatchObject({ error: { code: "ERR_INTERNAL" } });
  expect(reached).toContain("igniteCompileDraft");
  const missing = await api.inject({
    method: "POST",
    url: "/v1/orgs",
    headers: { ...headers, "content-type": "application/json" },
  });
  expect([missing.statusCode, missing.json()]).toMatchObject([
    400,
    { error: { code: "ERR_INVALID_ARGUMENT" } },
  ]);
  const wrong = await api.inject({ method: "POST", url: "/v1/orgs", headers, payload: { name: "No Good" } });
  expect(wrong.statusCode).toBe(400);
  expect(wrong.json<{ error: { message: string } }>().error.message).toMatch(/\/name.*lowercase/);
});
