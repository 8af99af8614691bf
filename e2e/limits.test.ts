import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, fixture, startPlatform, type Platform } from "./lib/platform.js";
import { copyProject, type Project } from "./lib/project.js";

interface Seen {
  readonly instances: readonly {
    readonly state: string;
    readonly restarts: number;
    readonly lastExit: string | null;
  }[];
}

/** An app that takes all it can get: it is stopped at its limits, told so, and nobody else notices. */
describe("limits", () => {
  let platform: Platform;
  let hog: Project;
  const host = "hog-local.localhost";
  const ask = (path: string): Promise<string> =>
    platform.get(host, path).then((answer) => answer.body.trim());

  beforeAll(async () => {
    platform = await startPlatform();
    hog = await copyProject(fixture("fixtures/apps/hog"));
    await hog.write("bloom.toml", '[limits]\nmemory = "96MB"\npids = 64\ntmp = "32MB"\n');
    await platform.json("deploy", hog.dir, "-a", "hog");
  });
  afterAll(async () => {
    await platform.stop();
    await hog.dispose();
  });

  test("/tmp is as large as it may be", async () => {
    expect(await ask("/tmp/16")).toBe("wrote 16 MB");
    expect(await ask("/tmp/200")).toMatch(/^stopped after \d+ MB.*No space left/);
    expect(await ask("/")).toBe("still here");
  });

  test("processes and threads end at the limit, and the app lives on", async () => {
    expect(await ask("/processes/500")).toMatch(/^stopped after \d+ processes/);
    expect(await ask("/threads/500")).toMatch(/^stopped after \d+ threads/);
    expect(await ask("/")).toBe("still here");
  });

  test.runIf(process.getuid?.() === 0)(
    "memory: the kill is recognised and said, and the app comes back",
    async () => {
      await platform.get(host, "/memory/300").catch(() => undefined);
      const seen = await eventually(
        "the restart",
        () => platform.json<Seen>("ps", "hog"),
        ({ instances }) => instances[0]?.restarts === 1 && instances[0].state === "ready",
      );
      expect(seen.instances[0]?.lastExit).toMatch(/memory/);
      const { stdout } = await platform.bloom("logs", "hog");
      expect(stdout).toMatch(/memory/);
      expect(await ask("/")).toBe("still here");
    },
  );

  test("a flood of output is kept within the log's size, newest last", async () => {
    expect(await ask("/log/150")).toBe("logged 150 MB");
    const { stdout } = await platform.bloom("logs", "hog", "--tail", "5", "--json");
    expect(stdout.trim().split("\n")).toHaveLength(5);
    expect(await ask("/")).toBe("still here");
  });

  test("an app that ends again and again is seen as what it is", async () => {
    const loop = await copyProject(fixture("fixtures/apps/exit-loop"));
    await platform.bloom("deploy", loop.dir, "-a", "loop");
    const seen = await eventually(
      "the crash loop",
      () => platform.json<Seen>("ps", "loop"),
      ({ instances }) => instances[0]?.state === "crashed",
      60_000,
    );
    expect(seen.instances[0]?.lastExit).toContain("exit code 0");
    await loop.dispose();
  });

  test("an app that never starts says why", async () => {
    const broken = await copyProject(fixture("fixtures/apps/crash-on-start"));
    const result = await platform.bloom("deploy", broken.dir, "-a", "broken", "--json");
    expect(result.code).toBe(12);
    expect(result.stdout).toContain("DATABASE_URL is not set");
    await broken.dispose();
  });

  test("a size in the manifest is a limit", async () => {
    const sized = await copyProject(fixture("fixtures/apps/hog"));
    const manifest = await readFile(`${sized.dir}/.platform.app.yaml`, "utf8");
    await sized.write(".platform.app.yaml", `${manifest}\nsize: S\n`);
    await platform.json("deploy", sized.dir, "-a", "sized");
    const config = await platform.get("sized-local.localhost", "/");
    expect(config.status).toBe(200);
    const inside = await platform.bloom(
      "exec",
      "sized",
      "--",
      "jq",
      ".info.limits.memory",
      "/run/config.json",
    );
    expect(inside.stdout.trim()).toBe("128");
    await sized.dispose();
  });
});
