import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, startPlatform, type Platform } from "./lib/platform.js";
import { crateFiles as preforkFiles } from "./lib/prefork.js";
import { answeringApp, crateFiles, makeProject, type Project } from "./lib/project.js";

const manifest = "[run]\nmin_replicas = 0\nidle_seconds = 4\n";

let platform: Platform;
let web: Project;
let prefork: Project;
beforeAll(async () => {
  platform = await startPlatform();
  web = await makeProject({ ...crateFiles("nap", answeringApp("one")), "bloom.toml": manifest });
  prefork = await makeProject({ ...preforkFiles("good"), "bloom.toml": manifest });
  await platform.json("deploy", web.dir, "-a", "web");
  await platform.json("deploy", prefork.dir, "-a", "prefork");
});
afterAll(async () => {
  await platform.stop();
  await web.dispose();
  await prefork.dispose();
});

interface Listed {
  readonly instances: readonly { readonly id: string; readonly pid: number }[];
  readonly sleeping: readonly { readonly app: string }[];
}
const list = (app: string) => platform.json<Listed>("ps", app);
const untilAsleep = (app: string) =>
  eventually(
    `the sleep of ${app}`,
    () => list(app),
    ({ instances, sleeping }) => instances.length === 0 && sleeping.length === 1,
  );
const ask = (app: string, path = "/", method = "GET") =>
  platform.get(`${app}-local.localhost`, path, { method });

describe.each([
  ["web", "one"],
  ["prefork", "good"],
])("an app of the shape %s", (app, word) => {
  test("falls asleep when nobody asks, and wakes for whoever does", async () => {
    await untilAsleep(app);
    const { environments } = await platform.json<{ environments: { health: string }[] }>("status", app);
    expect(environments).toMatchObject([{ health: "sleeping" }]);
    expect((await platform.bloom("ps", app)).stdout).toMatch(/ sleeping /);
    expect(await ask(app, "/", "POST")).toMatchObject({ status: 200, body: word });
    await untilAsleep(app);
    expect(await ask(app)).toMatchObject({ status: 200, body: word });
  });

  test("stays awake while somebody comes, though nobody stays", async () => {
    expect((await ask(app)).status).toBe(200);
    const [before] = (await list(app)).instances;
    for (let round = 0; round < 14; round++) {
      expect((await ask(app)).status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    expect((await list(app)).instances[0]).toMatchObject({ id: before?.id, pid: before?.pid });
  });

  test("is put to sleep by its owner, and wakes all the same", async () => {
    expect((await ask(app)).status).toBe(200);
    expect((await platform.bloom("sleep", app)).code).toBe(0);
    await untilAsleep(app);
    expect(await ask(app)).toMatchObject({ status: 200, body: word });
  });

  test("a daemon that was killed leaves it asleep, and tells who asks meanwhile to come back", async () => {
    await untilAsleep(app);
    const pid = await platform.daemonPid();
    process.kill(pid, "SIGKILL");
    // What it had accepted before its end would be 502: it might have been led on.
    await eventually(
      "its end",
      async () => existsSync(`/proc/${pid}`),
      (isThere) => !isThere,
    );
    const answer = await ask(app, "/", "POST");
    expect(answer).toMatchObject({ status: 503, headers: { "retry-after": "5" } });
    expect(answer.body).toContain("This app is asleep");
    await platform.start();
    expect((await list(app)).sleeping).toHaveLength(1);
    expect(await ask(app)).toMatchObject({ status: 200, body: word });
  });
});

test("a version that is deployed while the app sleeps goes live, and sleeps in its turn", async () => {
  await untilAsleep("web");
  await web.write("src/main.rs", answeringApp("two"));
  await platform.json("deploy", web.dir, "-a", "web");
  expect((await ask("web")).body).toBe("two");
  await untilAsleep("web");
  await platform.json("rollback", "web");
  expect((await ask("web")).body).toBe("one");
});

test("an app nobody ever asks for anything cannot be put to sleep", async () => {
  const files = crateFiles("worker", "fn main() { loop { std::thread::park() } }");
  const nothing = `[http.locations."/"]\nroot = "public"\npassthru = false\n`;
  const site = await makeProject({ ...files, "public/a.txt": "a", "bloom.toml": nothing });
  try {
    await platform.json("deploy", site.dir, "-a", "site");
    const { code, stderr } = await platform.bloom("sleep", "site");
    expect(code).toBe(2);
    expect(stderr).toContain("no request ever comes to site");
  } finally {
    await site.dispose();
  }
});
