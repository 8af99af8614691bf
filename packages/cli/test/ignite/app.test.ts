import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { useFakeDaemon } from "../daemon-per-file.js";
import { app, created, notFound } from "./documents.js";

const { daemon, ask } = useFakeDaemon();

describe("app create", () => {
  test("takes every flag, and sends only what is given", async () => {
    daemon().answers.igniteCreateApp = { body: created };
    const flags = [
      ...[
        "--runtime",
        "rust",
        "--rust-target",
        "wasm",
        "--toolchain",
        "1.93",
        "-t",
        "xlarge",
        "--memory",
        "300",
      ],
      ...[
        "--cpu",
        "0",
        "--timeout-secs",
        "30",
        "--storage-mode",
        "ttl",
        "--ttl",
        "60",
        "--max-replicas",
        "4",
      ],
      ...["--min-replicas", "1", "--reserved", "2", "--auto-mode", "tier-only", "--concurrency", "8"],
      ...["--queue-limit", "5", "--idle-secs", "9", "--description", "says hello", "--input-schema", "{}"],
      ...[
        "--output-schema",
        '{"type":"object"}',
        "--mcp-enabled",
        "--allow-unauthenticated",
        "--keep-payloads",
      ],
      ...["--env", "A=1", "--env", "B=x=y", "--env", "C="],
    ];
    const { code, stdout, stderr } = await ask(["ignite", "app", "create", "org:hello", ...flags]);
    expect([code, stderr]).toEqual([0, expect.stringContaining("draft save org:hello --code ./")]);
    expect(stdout).toBe("org:hello is made: tier small, 256 MB, 250 millicores\n");
    expect(daemon().calls[0]).toMatchObject({ params: { org: "org" }, authorization: "Bearer secret" });
    expect(daemon().calls[0]?.body).toEqual({
      name: "hello",
      description: "says hello",
      runtime: { rust: { target: "RUST_COMPILATION_TARGET_WASM", toolchainVersion: "1.93" } },
      resourceTier: "RESOURCE_TIER_XLARGE",
      limits: { memoryMb: 300, cpuMillicores: 0, timeoutSecs: 30 },
      scaling: {
        minReplicas: 1,
        maxReplicas: 4,
        reserved: 2,
        autoMode: "AUTO_MODE_TIER_ONLY",
        maxConcurrency: 8,
        queueLimit: 5,
        idleSecs: 9,
      },
      storageMode: "TTL",
      ttlSecs: 60,
      inputSchema: "{}",
      outputSchema: '{"type":"object"}',
      mcpEnabled: true,
      allowUnauthenticated: true,
      keepPayloads: true,
      env: { A: "1", B: "x=y", C: "" },
    });
  });

  test.each([["function"], ["fn"]])("is `%s create`, too, and works without `ignite`", async (noun) => {
    daemon().answers.igniteCreateApp = { body: created };
    for (const words of [["ignite", noun], [noun]]) {
      expect((await ask([...words, "create", "hello", "--org", "acme"])).code).toBe(0);
    }
    expect(daemon().calls.map(({ params, body }) => [params, body])).toEqual([
      [{ org: "acme" }, { name: "hello" }],
      [{ org: "acme" }, { name: "hello" }],
    ]);
  });

  test("takes a schema from a file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "bloom-schema-"));
    try {
      await writeFile(join(folder, "in.json"), '{"type": "object"}');
      await writeFile(join(folder, "bad.json"), '{\n"type": object}');
      daemon().answers.igniteCreateApp = { body: created };
      await ask(["app", "create", "hello", "--input-schema", "@in.json"], {}, folder);
      expect(daemon().calls[0]?.body).toMatchObject({ inputSchema: '{"type": "object"}' });
      const { code, stderr } = await ask(
        ["app", "create", "hello", "--input-schema", "@bad.json"],
        {},
        folder,
      );
      expect([code, stderr]).toEqual([2, expect.stringContaining(`${join(folder, "bad.json")}:2:9`)]);
      expect((await ask(["app", "create", "hello", "--input-schema", "@no.json"], {}, folder)).code).toBe(2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test.each([
    [["hello", "--runtime", "python"], "functions run in Rust"],
    [["hello", "--rust-target", "wsam"], "Did you mean `wasm`?"],
    [["hello", "--tier", "huge"], "small, medium, large or xlarge"],
    [["hello", "--auto-mode", "on"], "--auto-mode"],
    [["hello", "--storage-mode", "forever"], "persistent, ephemeral or ttl"],
    [["hello", "--memory", "1GB"], "--memory"],
    [["hello", "--max-replicas", "-1"], "--max-replicas"],
    [["hello", "--env", "sk-secret-9"], "--env must be NAME=value"],
    [["hello", "--env", "1A=x"], "`1A`"],
    [["hello", "--input-schema", "{type: 1}"], "column 2"],
    [["Hello"], "not a valid name"],
    [["a:b:c"], "`app` or `org:app`"],
    [["hello", "--org", "No Good"], "not a valid name"],
    [[], "missing required argument"],
    [["hello", "--teir", "small"], "Did you mean `--tier`?"],
    [["hello", "-o", "xml"], "table, wide, json or yaml"],
    [["hello", "--timeout", "soon"], "--timeout"],
  ])("%j is refused with exit code 2 before anything is asked", async (args, words) => {
    const { code, stdout, stderr } = await ask(["ignite", "app", "create", ...args]);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(words)]);
    expect(stderr).not.toContain("sk-secret-9");
    expect(daemon().calls).toEqual([]);
  });

  test.each([
    ["ERR_ALREADY_EXISTS", 409, 6],
    ["ERR_UNAUTHENTICATED", 401, 3],
    ["ERR_FORBIDDEN", 403, 4],
    ["ERR_LIMIT_REACHED", 429, 7],
  ])("%s is the exit code", async (code, status, exit) => {
    daemon().answers.igniteCreateApp = { status, body: { error: { code, message: "no" } } };
    expect((await ask(["ignite", "app", "create", "hello", "--json"])).code).toBe(exit);
  });
});

test("an organization that is not there is exit code 5, and how it is made is said", async () => {
  const error = { code: "ERR_NOT_FOUND", message: "there is no acme", hint: "Did you mean `acne`?" };
  daemon().answers.igniteCreateApp = { status: 404, body: { error } };
  const { code, stderr } = await ask(["app", "create", "acme:hello"]);
  expect([code, stderr]).toEqual([5, expect.stringContaining("Did you mean `acne`? An admin makes it")]);
  expect(stderr).toContain("`bloom org create acme`");
});

describe("app get, list, update, state, delete", () => {
  test("get shows fields, or the document", async () => {
    daemon().answers.igniteGetApp = { body: app };
    const text = await ask(["ignite", "app", "get", "org:hello"]);
    expect(text.stdout).toMatch(/^id +org\/hello\nstate +sleeping\nversion +v2\n/);
    expect(JSON.parse((await ask(["app", "get", "org/hello", "-o", "json"])).stdout)).toEqual(app);
    expect(parse((await ask(["app", "get", "org:hello", "--output", "yaml"])).stdout)).toEqual(app);
    expect(daemon().calls.every(({ params }) => params["org"] === "org")).toBe(true);
  });

  test("an error is a document in the form that was asked for, too", async () => {
    daemon().answers.igniteGetApp = notFound("there is no app");
    const { code, stdout } = await ask(["app", "get", "org:hello", "-o", "yaml"]);
    expect([code, parse(stdout)]).toEqual([
      5,
      { error: expect.objectContaining({ code: "ERR_NOT_FOUND" }) as unknown },
    ]);
  });

  test("list goes through pages up to the limit, and says when there are more", async () => {
    const pages = [
      { apps: [app, app], nextCursor: "c1" },
      { apps: [app], nextCursor: "c2" },
    ];
    daemon().answers.igniteListApps = pages.map((body) => ({ body }));
    const { stdout, stderr } = await ask(["ignite", "app", "list", "--org", "org", "-n", "3"]);
    expect(stdout.trim().split("\n")).toHaveLength(4);
    expect(stderr).toContain("--cursor c2");
    expect(daemon().calls.map(({ query }) => query)).toEqual([{ limit: "3" }, { limit: "1", cursor: "c1" }]);
  });

  test("list is wide on demand", async () => {
    daemon().answers.igniteListApps = { body: { apps: [app] } };
    const plain = await ask(["ignite", "app", "list", "org"]);
    const wide = await ask(["ignite", "-o", "wide", "app", "list", "org"]);
    expect([plain.stdout, wide.stdout].map((text) => text.includes("256 MB"))).toEqual([false, true]);
    expect((await ask(["app", "list", "-n", "0"])).code).toBe(2);
  });

  test("update merges: what is not named is not sent, and a variable can go", async () => {
    daemon().answers.igniteUpdateAppConfig = { body: app };
    await ask(["app", "update", "org:hello", "--env", "A=1", "--unset-env", "B", "--no-mcp-enabled"]);
    expect(daemon().calls[0]?.body).toEqual({ env: { A: "1", B: null }, mcpEnabled: false });
    const nothing = await ask(["ignite", "app", "update", "org:hello"]);
    expect([nothing.code, nothing.stderr]).toEqual([2, expect.stringContaining("nothing is named")]);
  });

  test("state, and with -o wide what runs", async () => {
    const state = {
      deploymentState: "DEPLOYMENT_STATE_READY",
      activeVersion: 2,
      readyReplicas: 1,
      wantedReplicas: 1,
    };
    daemon().answers.igniteGetAppState = { body: state };
    const replica = { replicaId: "i-1", version: 2, state: "ready", startedAtMs: "1767225600000" };
    daemon().answers.igniteListReplicas = { body: { replicas: [replica] } };
    expect((await ask(["app", "state", "org:hello"])).stdout).toContain("1 ready of 1 wanted");
    expect((await ask(["app", "state", "org:hello", "-o", "wide"])).stdout).toContain("i-1  v2  ready");
  });

  test("delete asks, and needs --yes without a terminal", async () => {
    daemon().answers.igniteGetApp = { body: app };
    daemon().answers.igniteDeleteApp = { body: { appId: "org/hello" } };
    const refused = await ask(["ignite", "app", "delete", "org:hello"]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("ERR_NEEDS_CONFIRMATION")]);
    expect(daemon().count("igniteDeleteApp")).toBe(0);
    expect((await ask(["ignite", "app", "delete", "org:hello", "--yes"])).stdout).toBe(
      "org:hello is deleted\n",
    );
  });
});

test("an answer that does not come in time is exit code 8", async () => {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  daemon().answers.igniteGetApp = async () => {
    await released;
    return { body: app };
  };
  const { code, stderr } = await ask(["app", "get", "org:hello", "--timeout", "1s"]);
  release();
  expect([code, stderr]).toEqual([8, expect.stringContaining("within 1 s")]);
});

test("no daemon is exit code 9", async () => {
  const env = { BLOOM_API: "unix:/nonexistent.sock" };
  expect((await ask(["ignite", "app", "list"], env)).code).toBe(9);
  const typed = ["ignite", "app", "list", "--api-endpoint", "http://127.0.0.1:1"];
  expect((await ask(typed)).stderr).toContain("http://127.0.0.1:1");
});
