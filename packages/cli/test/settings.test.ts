import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { resolveCliSettings, type CliSettings } from "../src/settings.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "bloom-settings-"));
});
afterEach(() => rm(root, { recursive: true }));

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

/** A machine with a daemon in `home`, a user's file and a project, all below the test's folder. */
function resolveHere(
  flags: Record<string, string> = {},
  env: NodeJS.ProcessEnv = {},
  isRoot = false,
): CliSettings {
  const places = { BLOOM_HOME: join(root, "home"), XDG_CONFIG_HOME: join(root, "config") };
  return resolveCliSettings({ flags, env: { ...places, ...env }, cwd: join(root, "project"), isRoot });
}

describe("the address", () => {
  test("flag, environment, project, user's file, daemon's file, default: in this order", async () => {
    await write("home/api.json", JSON.stringify({ apiUrl: "http://127.0.0.1:1111" }));
    await write("config/bloomery/config.toml", 'api = "http://user:1"');
    await write("project/bloom.toml", 'api = "http://project:1"');
    expect(resolveHere({ api: "http://flag:1" }, { BLOOM_API: "http://env:1" }).api).toBe("http://flag:1");
    const both = { BLOOM_API: "http://env:1", IGNITE_API_ENDPOINT: "http://ignite:1" };
    expect(resolveHere({}, both).api).toBe("http://env:1");
    expect(resolveHere({}, { BLOOM_API: "", IGNITE_API_ENDPOINT: "http://ignite:1" }).api).toBe(
      "http://ignite:1",
    );
    expect(resolveHere().api).toBe("http://project:1");
    await rm(join(root, "project"), { recursive: true });
    expect(resolveHere().api).toBe("http://user:1");
    await rm(join(root, "config"), { recursive: true });
    expect(resolveHere().api).toBe("http://127.0.0.1:1111");
    await rm(join(root, "home"), { recursive: true });
    expect(resolveHere().api).toBe("http://127.0.0.1:4600");
  });

  test("the daemon's own user goes through its socket, which nobody else can answer on", async () => {
    await write("home/api.json", JSON.stringify({ apiUrl: "http://127.0.0.1:1111", socket: "/h/api.sock" }));
    expect(resolveHere().api).toBe("http://127.0.0.1:1111");
    await write("home/admin.token", "secret\n");
    expect(resolveHere()).toMatchObject({ api: "unix:/h/api.sock", token: "secret" });
  });

  test.each(["localhost:4600", "unix:relative", "ftp://x", "http://"])("%s is refused", (api) => {
    expect(() => resolveHere({ api })).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }) as Error,
    );
  });

  test("files that do not parse are passed over", async () => {
    await write("home/api.json", "{");
    await write("project/bloom.toml", "= nonsense");
    expect(resolveHere().api).toBe("http://127.0.0.1:4600");
  });
});

describe("the token", () => {
  test("flag, then the environment's names, then the user's file, then the daemon's", async () => {
    await write("home/admin.token", "admin");
    await write("config/bloomery/config.toml", 'token = "user"');
    const env = { BLOOM_TOKEN: "bloom", DODIL_TOKEN: "dodil", IGNITE_TOKEN: "ignite" };
    expect(resolveHere({ token: "flag" }, env).token).toBe("flag");
    expect(resolveHere({}, env).token).toBe("bloom");
    expect(resolveHere({}, { ...env, BLOOM_TOKEN: "" }).token).toBe("dodil");
    expect(resolveHere({}, { IGNITE_TOKEN: "ignite" }).token).toBe("ignite");
    expect(resolveHere().token).toBe("user");
    await rm(join(root, "config"), { recursive: true });
    expect(resolveHere().token).toBe("admin");
  });

  test("the machine's own never leaves the machine", async () => {
    await write("home/admin.token", "admin");
    for (const api of ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "unix:/x"]) {
      expect(resolveHere({ api }).token).toBe("admin");
    }
    for (const api of ["http://example.com", "https://127.0.0.1.example.com", "http://10.0.0.1:4600"]) {
      expect(resolveHere({ api }).token).toBeUndefined();
    }
  });

  test("a project's address does not get the user's stored token", async () => {
    await write("project/bloom.toml", 'api = "http://elsewhere"');
    await write("config/bloomery/config.toml", 'token = "user"');
    expect(resolveHere()).toMatchObject({ api: "http://elsewhere", token: undefined });
    expect(resolveHere({ api: "http://elsewhere" }).token).toBe("user");
  });
});

describe("the home", () => {
  test("flag, environment, root's, the user's", () => {
    const env = { XDG_DATA_HOME: "/data", BLOOM_HOME: "" };
    expect(resolveHere({ home: "/flag" }).home).toBe("/flag");
    expect(resolveHere({ home: "below" }).home).toBe(join(root, "project", "below"));
    expect(resolveHere().home).toBe(join(root, "home"));
    expect(resolveHere({}, env, true).home).toBe("/var/lib/bloomery");
    expect(resolveHere({}, env).home).toBe("/data/bloomery");
  });
});
