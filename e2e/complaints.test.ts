import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLoad } from "./lib/load.js";
import { fixture, startPlatform, type Platform } from "./lib/platform.js";
import { answeringApp, crateFiles, makeProject, type Project } from "./lib/project.js";
import type { Failure } from "./lib/shop.js";

/** What people who deploy with a .platform.app.yaml have complained about elsewhere, and what happens here. */
describe("known complaints", () => {
  let platform: Platform;
  let project: Project;
  const host = "shop-local.localhost";

  const manifest = (more = ""): string =>
    `name: shop\ntype: rust:1\nhooks:\n  build: cargo build --release\nweb:\n  commands:\n    start: ./target/release/shop\n${more}`;
  const deploy = async (
    files: Record<string, string>,
    app = "shop",
  ): Promise<{ code: number; stderr: string; error: Failure["error"] | undefined }> => {
    const other = await makeProject({ ...crateFiles("shop", answeringApp("good")), ...files });
    const result = await platform.bloom("deploy", other.dir, "-a", app, "--json");
    await other.dispose();
    const document = JSON.parse(result.stdout) as Partial<Failure>;
    return { code: result.code, stderr: result.stderr, error: document.error };
  };

  beforeAll(async () => {
    platform = await startPlatform();
    project = await makeProject({
      ...crateFiles("shop", answeringApp("good")),
      ".platform.app.yaml": manifest(),
    });
    await platform.json("deploy", project.dir, "-a", "shop");
  });
  afterAll(async () => {
    await platform.stop();
    await project.dispose();
  });

  test("a push that fails to deploy looks like a success: here its exit code says what failed", async () => {
    expect((await deploy({ "src/main.rs": "fn main() { nonsense }" })).code).toBe(11);
    expect((await deploy({ ".platform.app.yaml": "name: shop\nname: shop\n" })).code).toBe(2);
    expect((await deploy({ "src/main.rs": "fn main() {}" })).code).toBe(12);
  });

  test("a typo in a key is swallowed: here it is named, with what was meant", async () => {
    const { code, stderr } = await deploy({ ".platform.app.yaml": manifest("dependecies: {}\n") });
    expect(code).toBe(0);
    expect(stderr).toMatch(/dependecies.*dependencies/s);
  });

  test("a failing hook goes unnoticed: here the deployment fails and the old version serves", async () => {
    const hooks = "hooks:\n  build: cargo build --release\n  deploy: |\n    set -e\n    false\n";
    const { code, error } = await deploy({
      ".platform.app.yaml": manifest().replace("hooks:\n  build: cargo build --release\n", hooks),
    });
    expect([code, error?.code]).toEqual([12, "ERR_HOOK_FAILED"]);
    expect((await platform.get(host)).body).toBe("good");
  });

  test("writing to the read-only tree fails without a reason: here the message says to add a mount", async () => {
    const hooks = "hooks:\n  build: cargo build --release\n  deploy: touch cache/new\n";
    const { error } = await deploy({
      "cache/.keep": "",
      ".platform.app.yaml": manifest().replace("hooks:\n  build: cargo build --release\n", hooks),
    });
    expect(error?.code).toBe("ERR_HOOK_FAILED");
    expect(error?.hint).toMatch(/mount/);
  });

  test("a deploy means downtime: here not one request fails, POST included", async () => {
    await project.write("src/main.rs", answeringApp("better"));
    const load = startLoad(platform.httpPort, host);
    await platform.json("deploy", project.dir, "-a", "shop");
    expect((await load.stop()).failures).toEqual([]);
  });

  test("JSON bodies over 10 MB are refused: here the limit is the location's", async () => {
    await platform.json("deploy", fixture("fixtures/apps/big-bodies"), "-a", "bodies");
    const body = JSON.stringify({ text: "x".repeat(12 * 1_048_576) });
    const headers = { "content-type": "application/json" };
    const answer = await platform.get("bodies-local.localhost", "/", { method: "POST", body, headers });
    expect([answer.status, answer.body]).toEqual([200, expect.stringContaining(`${body.length} bytes`)]);
  });

  test("unknown paths of a site without a server answer 502: here 404, and no port is waited for", async () => {
    const site = manifest().replace("./target/release/shop", "sleep infinity");
    const { code } = await deploy(
      {
        "public/index.html": "a page",
        ".platform.app.yaml": `${site}  locations:\n    /:\n      root: public\n      index: [index.html]\n      passthru: false\n`,
      },
      "site",
    );
    expect(code).toBe(0);
    expect((await platform.get("site-local.localhost", "/")).body).toBe("a page");
    expect((await platform.get("site-local.localhost", "/missing")).status).toBe(404);
  });

  test("a redeploy is mistaken for a deploy: here each verb says which hooks it runs", async () => {
    const help = await platform.bloom("redeploy", "--help");
    expect(help.stdout).toMatch(/post_deploy/);
  });

  test("flags of variables are hidden: here the list shows them", async () => {
    await platform.json("env", "set", "shop", "A=1", "--visible-build", "--no-apply");
    const list = await platform.bloom("env", "list", "shop");
    expect(list.stdout).toMatch(/build/i);
  });
});
