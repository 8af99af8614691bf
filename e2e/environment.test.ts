import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture, startPlatform, type Platform } from "./lib/platform.js";
import { copyProject, type Project } from "./lib/project.js";

/** What the app and its build are told. */
describe("the environment", () => {
  let platform: Platform;
  let project: Project;
  const host = "mirror-local.localhost";

  const parse = (text: string): Record<string, string> =>
    Object.fromEntries(
      text
        .split("\n")
        .filter((line) => line.includes("="))
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
  const running = async (): Promise<Record<string, string>> => parse((await platform.get(host, "/env")).body);
  const building = async (): Promise<Record<string, string>> =>
    parse((await platform.get(host, "/file/build-env.txt")).body);
  const decode = (text: string | undefined): unknown =>
    JSON.parse(Buffer.from(text ?? "", "base64").toString());

  beforeAll(async () => {
    platform = await startPlatform();
    project = await copyProject(fixture("fixtures/apps/mirror"));
    await platform.json("deploy", project.dir, "-a", "mirror");
  });
  afterAll(async () => {
    await platform.stop();
    await project.dispose();
  });

  test("a running app has what it must have and nothing of the build", async () => {
    const env = await running();
    expect(env).toMatchObject({
      PLATFORM_APP_DIR: "/app",
      PLATFORM_APPLICATION_NAME: "mirror",
      PLATFORM_APP_COMMAND: "./target/release/mirror",
      PLATFORM_BRANCH: "main",
      PLATFORM_ENVIRONMENT_TYPE: "production",
      PLATFORM_SMTP_HOST: "",
      PORT: "8888",
      COLOUR: "blue",
      NUMBERS: "[1, 2]",
      SEASON: "main-autumn",
    });
    expect(env["PLATFORM_ENVIRONMENT"]).toMatch(/^main-[a-z0-9]{7}$/);
    expect(env["PLATFORM_PROJECT"]).toMatch(/^[a-z0-9]{13}$/);
    expect(env["PLATFORM_PROJECT_ENTROPY"]).toHaveLength(56);
    expect(decode(env["PLATFORM_RELATIONSHIPS"])).toEqual({});
    expect(decode(env["PLATFORM_VARIABLES"])).toEqual({ "shop:theme": { name: "plain" } });
    expect(Object.keys(decode(env["PLATFORM_ROUTES"]) as object)[0]).toBe(
      `http://${host}:${platform.httpPort}/`,
    );
    expect(decode(env["PLATFORM_APPLICATION"])).toMatchObject({ name: "mirror", type: "rust:1", disk: 256 });
    for (const name of ["CI", "PLATFORM_CACHE_DIR", "PLATFORM_OUTPUT_DIR", "SOCKET"])
      expect(env).not.toHaveProperty(name);
  });

  test("a build knows nothing of the environment it is for", async () => {
    const env = await building();
    expect(env).toMatchObject({
      CI: "1",
      PLATFORM_APP_DIR: "/app",
      PLATFORM_OUTPUT_DIR: "/app",
      COLOUR: "blue",
    });
    expect(env["PLATFORM_PROJECT"]).toBe((await running())["PLATFORM_PROJECT"]);
    const application = decode(env["PLATFORM_APPLICATION"]) as Record<string, unknown>;
    expect(application["hooks"]).not.toHaveProperty("deploy");
    for (const name of [
      "PLATFORM_ENVIRONMENT",
      "PLATFORM_BRANCH",
      "PLATFORM_ROUTES",
      "PLATFORM_RELATIONSHIPS",
      "PORT",
    ])
      expect(env).not.toHaveProperty(name);
  });

  test("/run/config.json, /etc/hosts and the tools are there", async () => {
    const config = JSON.parse((await platform.get(host, "/file//run/config.json")).body) as {
      info: { limits: { memory: number } };
    };
    expect(config.info.limits.memory).toBeGreaterThan(0);
    expect((await platform.get(host, "/file//etc/hosts")).body).toContain("192.0.2.7");
    const tools = await platform.bloom(
      "exec",
      "mirror",
      "--",
      "sh",
      "-c",
      'echo "$PLATFORM_VARIABLES" | base64 -d | jq -r \'.["shop:theme"].name\'',
    );
    expect(tools.stdout.trim()).toBe("plain");
  });

  test("variables: environment before app before manifest, secrets never shown, JSON and prefixes", async () => {
    await platform.json("env", "set", "mirror", "COLOUR=green", "--level", "app", "--no-apply");
    await platform.json("env", "set", "mirror", "shop:limit=5", "--as-json", "--no-apply");
    await platform.json("env", "set", "mirror", "COLOUR=red");
    const env = await running();
    expect(env["COLOUR"]).toBe("red");
    expect(decode(env["PLATFORM_VARIABLES"])).toMatchObject({
      "shop:limit": 5,
      "shop:theme": { name: "plain" },
    });
    await platform.json("env", "unset", "mirror", "COLOUR");
    expect((await running())["COLOUR"]).toBe("green");
  });

  test("a variable that builds see makes the next deploy build again", async () => {
    expect((await platform.json<{ reused: boolean }>("deploy", project.dir, "-a", "mirror")).reused).toBe(
      true,
    );
    await platform.json("env", "set", "mirror", "STAMP=1", "--visible-build", "--no-apply");
    expect((await platform.json<{ reused: boolean }>("deploy", project.dir, "-a", "mirror")).reused).toBe(
      false,
    );
    expect((await building())["STAMP"]).toBe("1");
    await platform.json("env", "set", "mirror", "LATER=1", "--no-apply");
    expect((await platform.json<{ reused: boolean }>("deploy", project.dir, "-a", "mirror")).reused).toBe(
      true,
    );
    expect((await running())["LATER"]).toBe("1");
  });

  test("names the platform keeps for itself are refused", async () => {
    for (const name of ["PORT", "PLATFORM_PROJECT", "CI"]) {
      const result = await platform.bloom("env", "set", "mirror", `${name}=1`, "--json");
      expect([name, result.code]).toEqual([name, 2]);
    }
  });
});
