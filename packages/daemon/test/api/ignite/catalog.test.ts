import { expect, test } from "vitest";
import { openIgnite } from "./harness.js";

const names = (body: Readonly<Record<string, unknown>>): readonly unknown[] =>
  (body["entries"] as readonly { readonly appId: string }[]).map(({ appId }) => appId);

test("the catalog has what is published, page by page", async () => {
  const { call, publish, callers, store } = await openIgnite();
  for (const name of ["one", "two", "draft"]) await call("POST", "/app/org", { name, description: name });
  await publish("/app/org/one", "// one");
  await publish("/app/org/two", "// two");
  const { body } = await call("GET", "/catalog/org?limit=2");
  expect(names(body)).toEqual(["org/one"]);
  expect(body["entries"]).toMatchObject([
    { description: "one", version: 1, runtime: "rust-native", inputSchema: "", mcpEnabled: false },
  ]);
  expect(names((await call("GET", `/catalog/org?cursor=${String(body["nextCursor"])}`)).body)).toEqual([
    "org/two",
  ]);

  const org = await store.orgs.ensure("org");
  callers["one"] = { ...callers["admin"]!, role: "viewer", orgId: org.id, orgName: "org", appName: "one" };
  expect(names((await call("GET", "/catalog/org", undefined, "one")).body)).toEqual(["org/one"]);
  callers["other"] = { ...callers["admin"]!, role: "viewer", orgId: "org-other", orgName: "other" };
  expect((await call("GET", "/catalog/org", undefined, "other")).status).toBe(403);
});

test("the public catalog shows to anybody what anybody may call", async () => {
  const { call, publish } = await openIgnite();
  const anybody = (path: string) => call("GET", path, undefined, "");
  expect((await anybody("/public/catalog")).body).toEqual({ entries: [] });
  await call("POST", "/app/public", { name: "open", allowUnauthenticated: true });
  await call("POST", "/app/public", { name: "closed" });
  await call("POST", "/app/org", { name: "elsewhere", allowUnauthenticated: true });
  await publish("/app/public/open", "// open");
  await publish("/app/public/closed", "// closed");
  await publish("/app/org/elsewhere", "// elsewhere");
  expect(names((await anybody("/public/catalog")).body)).toEqual(["public/open"]);
  expect((await anybody("/public/catalog/open")).body).toMatchObject({ name: "open", version: 1 });
  for (const name of ["closed", "nowhere"])
    expect(await anybody(`/public/catalog/${name}`)).toMatchObject({
      status: 404,
      body: { error: { message: `there is no public function ${name}` } },
    });
});
