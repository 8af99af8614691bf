import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { useFakeDaemon } from "../daemon-per-file.js";

const { daemon, ask } = useFakeDaemon();

test("set, list and unset are those of an app, in the organization of the settings", async () => {
  daemon().answers.changeVariables = { body: { variables: [], deployment: null } };
  daemon().answers.listVariables = { body: { variables: [] } };
  const env = { IGNITE_ORG_NAME: "acme" };
  const stdin = Readable.from(["s3cret\n"]);
  expect((await ask(["ignite", "secret", "set", "hello", "KEY"], env, "/", { stdin })).code).toBe(0);
  expect((await ask(["ignite", "secret", "list", "hello"], env)).code).toBe(0);
  expect((await ask(["ignite", "secret", "unset", "org:hello", "KEY"], env)).code).toBe(0);
  expect((await ask(["ignite", "secret", "delete", "hello", "KEY"], env)).code).toBe(0);
  expect(daemon().calls.map(({ route, params }) => [route, params["org"]])).toEqual([
    ["changeVariables", "acme"],
    ["listVariables", "acme"],
    ["changeVariables", "org"],
    ["changeVariables", "acme"],
  ]);
  expect(daemon().calls[0]?.body).toMatchObject({ set: { KEY: "s3cret" }, sensitive: true });
  // Ours stay as they are.
  await ask(["secret", "list", "hello"], env);
  expect(daemon().calls.at(-1)?.params["org"]).toBe("local");
});

test.each([
  [
    ["create", "git-key", "--type", "git", "--username", "me", "--token", "t0p"],
    2,
    "belongs to one function",
  ],
  [["create", "reg", "--type", "registry", "--password", "t0p", "--server-address", "x"], 2, "secret set"],
  [["get", "org:hello"], 4, "nobody can read them"],
  [["get", "org:hello", "KEY"], 4, "`secret list`"],
  [["set", "hello", "KEY=t0p"], 2, "does not belong on the command line"],
  [["set", "hello", "1KEY"], 2, "not a variable's name"],
  [["delete", "KEY"], 2, "missing required argument"],
])("%j is refused with exit code %i", async (args, exit, words) => {
  const { code, stdout, stderr } = await ask(["ignite", "secret", ...args]);
  expect([code, stdout, stderr]).toEqual([exit, "", expect.stringContaining(words)]);
  expect(stderr).not.toContain("t0p");
  expect(daemon().calls).toEqual([]);
});
