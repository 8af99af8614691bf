import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { useFakeDaemon } from "../daemon-per-file.js";

const { daemon, ask } = useFakeDaemon();
let home: string;
let file: string;
let env: NodeJS.ProcessEnv;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "bloom-config-"));
  file = join(home, ".config/unified-cli/config.yaml");
  env = {
    HOME: home,
    XDG_CONFIG_HOME: join(home, "none"),
    DODIL_CONFIG_DIR: "",
    BLOOM_API: "",
    BLOOM_TOKEN: "",
  };
});
afterEach(() => rm(home, { recursive: true }));

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** What `config view` says is in force. */
async function view(
  more: NodeJS.ProcessEnv = {},
  flags: readonly string[] = [],
): Promise<Record<string, string>> {
  const { stdout } = await ask(["ignite", "config", "view", "--json", ...flags], { ...env, ...more });
  return JSON.parse(stdout) as Record<string, string>;
}

describe("config set", () => {
  test("makes a file that only its user can read, and leaves the rest of one that is there", async () => {
    expect((await ask(["ignite", "config", "set", "org_id", "acme"], env)).stdout).toBe(
      `org_id is set in ${file}\n`,
    );
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await write(file, "# mine\nglobal:\n  theme: dark # why not\nignite:\n  org_id: acme\n");
    await ask(["config", "set", "api_endpoint", "http://127.0.0.1:1"], env);
    const text = await readFile(file, "utf8");
    expect(text).toContain("# mine");
    expect(text).toContain("theme: dark # why not");
    expect(parse(text)).toMatchObject({ ignite: { org_id: "acme", api_endpoint: "http://127.0.0.1:1" } });
    await ask(["config", "set", "org_id", ""], env);
    expect(parse(await readFile(file, "utf8"))).toEqual({
      global: { theme: "dark" },
      ignite: { api_endpoint: "http://127.0.0.1:1" },
    });
  });

  test("takes a token from standard input and does not print it", async () => {
    const { stdout, stderr } = await ask(["config", "set", "token", "-"], env, "/", {
      stdin: Readable.from(["sk-9\n"]),
    });
    expect(stdout + stderr).not.toContain("sk-9");
    expect(parse(await readFile(file, "utf8"))).toEqual({ ignite: { token: "sk-9" } });
    expect(JSON.stringify(await view())).not.toContain("sk-9");
  });

  test.each([
    [["orgid", "x"], "Did you mean `org_id`?"],
    [["org_id", "No Good"], "not a valid name"],
    [["api_endpoint", "localhost:4600"], "http://127.0.0.1:4600"],
    [["token", "two words"], "the token has"],
    [["org_id"], "missing required argument"],
  ])("%j is refused with exit code 2", async (args, words) => {
    const { code, stderr } = await ask(["ignite", "config", "set", ...args], env);
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
    await expect(stat(file)).rejects.toThrow();
  });

  test("does not write over a file that is not YAML, and says where it is wrong", async () => {
    await write(file, "ignite:\n  org_id: [a\n");
    const { code, stderr } = await ask(["config", "set", "org_id", "acme"], env);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`${file}:`)]);
    expect(await readFile(file, "utf8")).toBe("ignite:\n  org_id: [a\n");
    // Verbs that are not Ignite's go on without it.
    daemon().answers.listApps = { body: { apps: [] } };
    expect((await ask(["apps"], { ...env, BLOOM_API: daemon().url })).code).toBe(0);
  });

  test("a place that cannot be written to is exit code 2", async () => {
    await write(join(home, "file"), "");
    const { code, stderr } = await ask(
      ["config", "set", "org_id", "acme", "--config", join(home, "file", "below")],
      env,
    );
    expect([code, stderr]).toEqual([2, expect.stringContaining("cannot be written")]);
  });
});

describe("the settings file", () => {
  test("is looked for in the folders of the environment, then in two of the home", async () => {
    const other = join(home, ".ignite/config.yaml");
    await write(other, "ignite: { org_id: of-home }");
    expect(await view()).toMatchObject({ path: other, org_id: "of-home" });
    await write(file, "ignite: { org_id: of-unified }");
    expect(await view()).toMatchObject({ path: file, org_id: "of-unified" });
    await write(join(home, "i/config.yaml"), "ignite: { org_id: of-ignite-dir }");
    await write(join(home, "d/config.yaml"), "ignite: { org_id: of-dodil-dir }");
    const ignite = { IGNITE_CONFIG_DIR: join(home, "i") };
    expect(await view(ignite)).toMatchObject({ org_id: "of-ignite-dir" });
    expect(await view({ ...ignite, DODIL_CONFIG_DIR: join(home, "d") })).toMatchObject({
      org_id: "of-dodil-dir",
    });
    await write(join(home, "x.yaml"), "ignite: { org_id: of-flag }");
    expect(await view(ignite, ["--config", join(home, "x.yaml")])).toMatchObject({ org_id: "of-flag" });
    expect(await view(ignite, ["--config", join(home, "d")])).toMatchObject({ org_id: "of-dodil-dir" });
  });

  test("has keys of ignite, then of global; flags and the environment come before it", async () => {
    await write(
      file,
      "global: { org_id: shared, token: t1 }\nignite: { api_endpoint: 'http://127.0.0.1:7' }",
    );
    expect(await view()).toMatchObject({
      org_id: "shared",
      api_endpoint: "http://127.0.0.1:7",
      token: "set",
    });
    expect(await view({ IGNITE_ORG_ID: "by-id" })).toMatchObject({ org_id: "by-id" });
    expect(await view({ IGNITE_ORG_ID: "by-id", IGNITE_ORG_NAME: "by-name" })).toMatchObject({
      org_id: "by-name",
    });
    const flags = ["--org", "by-flag", "--api-endpoint", "http://127.0.0.1:8"];
    expect(
      await view({ IGNITE_ORG_NAME: "by-name", IGNITE_API_ENDPOINT: "http://127.0.0.1:9" }, flags),
    ).toMatchObject({
      org_id: "by-flag",
      api_endpoint: "http://127.0.0.1:8",
    });
    expect(await view({}, ["--org-name", "named"])).toMatchObject({ org_id: "named" });
  });

  test("is used by every verb: its address and its token", async () => {
    await write(file, `ignite: { token: of-file, api_endpoint: '${daemon().url}' }`);
    daemon().answers.listApps = { body: { apps: [] } };
    daemon().answers.igniteListApps = { body: { apps: [] } };
    await ask(["apps"], env);
    await ask(["ignite", "app", "list"], env);
    await ask(["ignite", "app", "list"], { ...env, IGNITE_TOKEN: "of-ignite", DODIL_TOKEN: "of-dodil" });
    expect(daemon().calls.map(({ authorization }) => authorization)).toEqual([
      "Bearer of-file",
      "Bearer of-file",
      "Bearer of-dodil",
    ]);
  });

  test("does not give its token to an address that a project chose", async () => {
    await write(file, "ignite: { token: of-file }");
    await write(join(home, "project/bloom.toml"), `api = "${daemon().url}"`);
    daemon().answers.igniteListApps = { body: { apps: [] } };
    await ask(["ignite", "app", "list"], env, join(home, "project"));
    expect(daemon().calls[0]?.authorization).toBeUndefined();
  });

  test("that is empty or no map at all says nothing", async () => {
    for (const text of ["", "# nothing\n", "- a\n- b\n", "just text", "ignite: 3"]) {
      await write(file, text);
      expect(await view()).toMatchObject({ org_id: "local", token: "none" });
    }
    expect((await ask(["config", "set", "org_id", "acme"], env)).code).toBe(0);
    expect(await view()).toMatchObject({ org_id: "acme" });
  });
});

describe("login", () => {
  const argv = (): string[] => [
    "ignite",
    "login",
    "--token",
    "t",
    "--api-endpoint",
    daemon().url,
    "--org",
    "acme",
  ];

  test("keeps what the platform knows, also with few rights", async () => {
    daemon().answers.listOrgs = { status: 403, body: { error: { code: "ERR_FORBIDDEN", message: "no" } } };
    const { code, stdout } = await ask(argv(), env);
    expect([code, stdout]).toEqual([0, expect.stringContaining("organization acme")]);
    expect(parse(await readFile(file, "utf8"))).toEqual({
      ignite: { token: "t", api_endpoint: daemon().url, org_id: "acme" },
    });
    daemon().answers.igniteCreateApp = {
      status: 500,
      body: { error: { code: "ERR_INTERNAL", message: "x" } },
    };
    await ask(["ignite", "app", "create", "hello"], env);
    expect(daemon().calls.at(-1)).toMatchObject({ params: { org: "acme" }, authorization: "Bearer t" });
  });

  test.each([
    [["acme"], "acme"],
    [["acme", "local"], undefined],
  ])("takes the organization of a token that is for one: %j", async (names, org) => {
    const orgs = names.map((name) => ({ id: `org-${name}`, name, createdAt: "2026-01-01T00:00:00.000Z" }));
    daemon().answers.listOrgs = { body: { orgs } };
    const short = ["ignite", "login", "--token", "t", "--api-endpoint", daemon().url];
    expect((await ask(short, env)).code).toBe(0);
    const { ignite } = parse(await readFile(file, "utf8")) as { ignite: Record<string, string> };
    expect(ignite["org_id"]).toBe(org);
  });

  test("refuses a token that the platform does not know, and keeps nothing", async () => {
    daemon().answers.listOrgs = {
      status: 401,
      body: { error: { code: "ERR_UNAUTHENTICATED", message: "who?" } },
    };
    expect((await ask(argv(), env)).code).toBe(3);
    await expect(stat(file)).rejects.toThrow();
  });

  test("needs a token", async () => {
    expect((await ask(["ignite", "login"], env)).code).toBe(2);
  });
});
