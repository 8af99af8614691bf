import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture, startPlatform, type Platform } from "./lib/platform.js";
import { copyProject, makeProject, type Project } from "./lib/project.js";

describe("mounts", () => {
  let platform: Platform;
  let project: Project;
  let local: Project;
  const host = "mirror-local.localhost";

  beforeAll(async () => {
    platform = await startPlatform();
    project = await copyProject(fixture("fixtures/apps/mirror"));
    local = await makeProject({ "up/note.txt": "from outside", "up/deep/more.txt": "more" });
    await platform.json("deploy", project.dir, "-a", "mirror");
  });
  afterAll(async () => {
    await platform.stop();
    await project.dispose();
    await local.dispose();
  });

  test("the app's tree is read-only, its mounts are not", async () => {
    const post = (path: string): Promise<number> =>
      platform.get(host, `/file/${path}`, { method: "POST", body: "x" }).then((one) => one.status);
    expect(await post("target/new")).toBe(500);
    expect(await post("state/kept.txt")).toBe(200);
    expect(await post(".scratch/gone.txt")).toBe(200);
    expect(await post("/tmp/also-gone.txt")).toBe(200);
  });

  test("data is kept across a deploy and a rollback, scratch is not", async () => {
    await project.write("mark.txt", "two");
    await platform.json("deploy", project.dir, "-a", "mirror");
    expect((await platform.get(host, "/file/state/kept.txt")).body).toBe("x");
    expect((await platform.get(host, "/file/.scratch/gone.txt")).status).toBe(500);
    await platform.json("rollback", "mirror");
    expect((await platform.get(host, "/file/state/kept.txt")).body).toBe("x");
  });

  test("are listed, filled, measured and fetched", async () => {
    const { mounts } = await platform.json<{ mounts: { path: string; source: string }[] }>(
      "mount",
      "list",
      "mirror",
    );
    expect(mounts).toMatchObject([
      { path: ".scratch", source: "tmp" },
      { path: "state", source: "storage" },
    ]);
    expect(
      (await platform.bloom("mount", "upload", "mirror", "state/uploads", join(local.dir, "up"))).code,
    ).toBe(0);
    expect((await platform.get(host, "/uploads/deep/more.txt")).body).toBe("more");
    const size = await platform.json<{ mounts: { path: string; usedBytes: number }[] }>(
      "mount",
      "size",
      "mirror",
    );
    expect(size.mounts.find((one) => one.path === "state")?.usedBytes).toBeGreaterThan(10);
    const target = join(local.dir, "down");
    expect((await platform.bloom("mount", "download", "mirror", "state", target)).code).toBe(0);
    expect(await readFile(join(target, "uploads/note.txt"), "utf8")).toBe("from outside");
    const again = await platform.bloom("mount", "download", "mirror", "state", target);
    expect(again.code).toBe(2);
  });

  test("a wrong mount is named, with those there are", async () => {
    const result = await platform.bloom("mount", "download", "mirror", "nothing", local.dir, "--json");
    expect(result.code).toBe(5);
    expect(result.stdout).toContain("state");
  });

  test("a link planted in a mount shows nothing of the host, neither through nginx nor in a download", async () => {
    await platform.bloom("exec", "mirror", "--", "ln", "-s", "/etc", "state/uploads/etc");
    expect((await platform.get(host, "/uploads/etc/passwd")).status).not.toBe(200);
    await platform.bloom("exec", "mirror", "--", "rm", "state/uploads/etc");
  });

  test("files that a mount hides are told of", async () => {
    await project.write("state/built.txt", "hidden");
    const { stderr } = await platform.bloom("deploy", project.dir, "-a", "mirror");
    expect(stderr).toMatch(/state/);
    expect(stderr).toMatch(/hid/);
    expect((await platform.get(host, "/file/state/built.txt")).status).toBe(500);
  });

  test("overlapping mounts are refused before anything happens", async () => {
    const bad = await copyProject(fixture("fixtures/apps/mirror"));
    const text = await readFile(join(bad.dir, ".platform.app.yaml"), "utf8");
    await writeFile(
      join(bad.dir, ".platform.app.yaml"),
      text.replace("mounts:\n", "mounts:\n  state/inner:\n    source: tmp\n"),
    );
    const result = await platform.bloom("deploy", bad.dir, "-a", "mirror", "--json");
    expect(result.stdout).toContain("ERR_MANIFEST_INVALID");
    expect(result.stdout).toContain("state/inner");
    await bad.dispose();
  });

  test.runIf(process.getuid?.() === 0)("disk is a limit: the app is told, the platform goes on", async () => {
    const full = await platform.bloom(
      "exec",
      "mirror",
      "--",
      "sh",
      "-c",
      "head -c 400M /dev/zero > state/full",
    );
    expect(full.code).not.toBe(0);
    expect(full.stderr).toMatch(/No space left|ENOSPC/i);
    await platform.bloom("exec", "mirror", "--", "rm", "-f", "state/full");
    expect((await platform.get(host)).body).toBe("mirror");
  });

  test("deleting the app deletes its data", async () => {
    await platform.json("app", "delete", "mirror", "--yes");
    const { stdout } = await platform.bloom("apps", "--json");
    expect(stdout).not.toContain("mirror");
  });
});
