import { existsSync } from "node:fs";
import type { WorkerView } from "@bloomery/contract";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startLoad } from "./lib/load.js";
import { eventually, startPlatform, type Platform } from "./lib/platform.js";
import { classicFiles, crateFiles, iniText } from "./lib/prefork.js";
import { makeProject, type Project } from "./lib/project.js";
import type { Failure } from "./lib/shop.js";

const host = "shop-local.localhost";
let platform: Platform;
let project: Project;
const projects: Project[] = [];

async function make(files: Readonly<Record<string, string>>): Promise<Project> {
  const made = await makeProject(files);
  projects.push(made);
  return made;
}

beforeAll(async () => {
  platform = await startPlatform();
  // Hosts are asked to end while requests are under way.
  const manifest = '[run]\ndrain_seconds = 1\n[env]\nGREETING = "hi"\n';
  project = await make({ ...crateFiles("good"), "bloom.toml": manifest });
  await platform.json("deploy", project.dir, "-a", "shop");
});
afterAll(async () => {
  await platform.stop();
  for (const one of projects) await one.dispose();
});

interface Instance {
  readonly id: string;
  readonly pid: number;
  readonly state: string;
  readonly version: number;
  readonly restarts: number;
  readonly workers: readonly WorkerView[] | null;
}

async function ps(app = "shop"): Promise<Instance[]> {
  return (await platform.json<{ instances: Instance[] }>("ps", app)).instances;
}

const bodyOf = async (path = "/"): Promise<string> => (await platform.get(host, path)).body;

describe("on the platform", () => {
  test("a file of 2015 is served as it is, and what was changed for today's compiler is said", async () => {
    const old = await make(classicFiles("Hello"));
    const { code, stderr, stdout } = await platform.bloom("deploy", old.dir, "-a", "classic");
    expect(`${code} ${code === 0 ? "" : stderr}`).toBe("0 ");
    expect(stdout + stderr).toContain("removed #![feature(collections)]");
    const answer = await platform.get("classic-local.localhost", "/old");
    expect(answer).toMatchObject({ status: 200, body: "Hello", headers: { foo: "Bar" } });
    const [instance] = await ps("classic");
    expect(instance?.workers).toHaveLength(3);
    await eventually(
      "the line of its println",
      async () => (await platform.bloom("logs", "classic")).stdout,
      (text) => text.includes("asked for /old"),
    );
    await platform.bloom("app", "delete", "classic", "--yes");
  });

  test("a crate is found out, with its folder, its variables and no way out", async () => {
    const status = await platform.json<{ shape: string }>("status", "shop");
    expect(status.shape).toBe("prefork");
    expect(await bodyOf()).toBe("good");
    expect(await bodyOf("/where")).toBe('/app Ok("hi") true');
  });

  test("an app is told of the client, and not of nginx, whatever the client says of itself", async () => {
    const headers = { "X-Real-IP": "203.0.113.7", "X-Forwarded-Proto": "https" };
    expect((await platform.get(host, "/who", { headers })).body).toBe(`127.0.0.1 ${host} http -`);
  });

  test("ps shows the grid of workers and threads, with pids of this machine", async () => {
    await bodyOf();
    const [instance] = await ps();
    const workers = instance?.workers ?? [];
    expect(workers.map(({ id, threads }) => [id, threads.length])).toEqual([
      [1, 4],
      [2, 4],
      [3, 4],
    ]);
    expect(new Set(workers.map(({ pid }) => pid)).size).toBe(3);
    for (const { pid, memoryBytes, ageSeconds, accepting } of workers) {
      expect(existsSync(`/proc/${pid}`)).toBe(true);
      expect(memoryBytes).toBeGreaterThan(100_000);
      expect(ageSeconds).toBeGreaterThanOrEqual(0);
      expect(accepting).toBe(true);
    }
    expect(workers.reduce((sum, { requests }) => sum + requests, 0)).toBeGreaterThan(0);
    const slow = bodyOf("/slow");
    const busy = await eventually(
      "a thread at work",
      async () => (await platform.bloom("ps", "shop")).stdout,
      (text) => text.includes("· 1 busy"),
    );
    expect(busy).toContain("3×4 · 1 busy");
    expect(await slow).toBe("slow");
  });

  test("logs have stream, version and instance", async () => {
    expect(await bodyOf("/say")).toBe("said");
    const [instance] = await ps();
    const lines = await eventually(
      "both lines",
      async () => {
        const { stdout } = await platform.bloom("logs", "shop", "--json");
        const all = stdout.trim().split("\n");
        return all.map((line) => JSON.parse(line) as Record<string, unknown>);
      },
      (found) => ["out it goes", "in it comes"].every((text) => found.some((line) => line["text"] === text)),
    );
    const common = { app: "shop", version: instance?.version, instance: instance?.id };
    expect(lines).toContainEqual(
      expect.objectContaining({ ...common, stream: "stdout", text: "out it goes" }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({ ...common, stream: "stderr", text: "in it comes" }),
    );
  });

  test("deploys, a rollback and a restart under load fail no request, kept connections or new ones", async () => {
    const before = (await ps())[0]?.version;
    const kept = startLoad(platform.httpPort, host, { clients: 4 });
    const fresh = startLoad(platform.httpPort, host, { clients: 4, keepAlive: false });
    for (const word of ["better", "best"]) {
      for (const [path, text] of Object.entries(crateFiles(word))) await project.write(path, text);
      await platform.json("deploy", project.dir, "-a", "shop");
      await eventually(word, bodyOf, (body) => body === word);
    }
    await platform.json("restart", "shop");
    await platform.json("rollback", "shop", String(before));
    await eventually("the good version", bodyOf, (body) => body === "good");
    const results = [await kept.stop(), await fresh.stop()];
    for (const { failures, bodies } of results) {
      expect(failures).toEqual([]);
      expect([...bodies.keys()].toSorted()).toEqual(["best", "better", "good"]);
    }
    expect((await ps()).map(({ version }) => version)).toEqual([before]);
  });

  test("a request that is under way when its host is asked to end is answered", async () => {
    const [before] = await ps();
    const slow = platform.get(host, "/slow");
    await eventually(
      "a thread at work",
      async () => (await ps())[0]?.workers?.flatMap(({ threads }) => threads) ?? [],
      (threads) => threads.some(({ state }) => state === "busy"),
    );
    await platform.json("restart", "shop");
    expect(await slow).toMatchObject({ status: 200, body: "slow" });
    await eventually("only the new one", ps, (all) => all.length === 1 && all[0]?.id !== before?.id);
    const { stdout } = await platform.bloom("logs", "shop", "--json");
    expect(stdout).toMatch(new RegExp(`"instance":"${before?.id}"[^\n]*exited with code 0`));
  });

  test("a worker that is killed is replaced, and the others go on", async () => {
    const [before] = await ps();
    const [victim] = before?.workers ?? [];
    process.kill(victim?.pid ?? 0, "SIGKILL");
    const after = await eventually("its replacement", ps, ([one]) => {
      const place = one?.workers?.find(({ id }) => id === victim?.id);
      return place?.pid !== undefined && place.pid !== null && place.pid !== victim?.pid && place.accepting;
    });
    expect(after[0]).toMatchObject({ id: before?.id, pid: before?.pid, restarts: before?.restarts });
    const others = (one: Instance | undefined): (number | null)[] =>
      one?.workers?.filter(({ id }) => id !== victim?.id).map(({ pid }) => pid) ?? [];
    expect(others(after[0])).toEqual(others(before));
    expect(await bodyOf()).toBe("good");
  });

  test("a host that is killed is started again on the same socket, with nothing left of the old one", async () => {
    const [before] = await ps();
    process.kill(before?.pid ?? 0, "SIGKILL");
    await eventually(
      "another host",
      ps,
      ([one]) =>
        one?.state === "ready" && one.restarts > (before?.restarts ?? 0) && one.workers?.length === 3,
    );
    expect(await bodyOf()).toBe("good");
    for (const { pid } of before?.workers ?? []) expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  test("stop, start and more replicas", async () => {
    await platform.json("stop", "shop", "--yes");
    expect((await platform.get(host)).status).toBe(503);
    expect(await ps()).toEqual([]);
    await platform.json("start", "shop");
    expect(await bodyOf()).toBe("good");
    await platform.json("scale", "shop", "web=2");
    expect((await ps()).map(({ workers }) => workers?.length)).toEqual([3, 3]);
    expect(await bodyOf()).toBe("good");
    await platform.json("scale", "shop", "web=1");
  });

  test("a panic costs one answer, and the worker goes on", async () => {
    const [before] = await ps();
    expect((await platform.get(host, "/panic")).status).toBe(500);
    expect(await bodyOf()).toBe("good");
    const [after] = await ps();
    expect(after?.workers?.map(({ pid }) => pid)).toEqual(before?.workers?.map(({ pid }) => pid));
  });
});

describe("a version that is broken leaves the old one serving", () => {
  afterEach(async () => {
    await eventually("the good version's answer", bodyOf, (body) => body === "good");
  });

  async function deployBroken(files: Record<string, string>): Promise<Failure["error"] & { exit: number }> {
    const broken = await make(files);
    const { code, stdout } = await platform.bloom("deploy", broken.dir, "-a", "shop", "--json");
    return { ...(JSON.parse(stdout) as Failure).error, exit: code };
  }

  test("the library does not compile", async () => {
    const failure = await deployBroken(crateFiles("x", "", "fn more() -> u32 { true }\n"));
    expect([failure.exit, failure.code]).toEqual([11, "ERR_BUILD_FAILED"]);
    expect(JSON.stringify(failure.details)).toContain("mismatched types");
  });

  test("it panics as it begins", async () => {
    const failure = await deployBroken(
      crateFiles("x", "(init = load)", 'fn load() { panic!("no prices") }\n'),
    );
    expect([failure.exit, failure.code]).toEqual([12, "ERR_START_FAILED"]);
    expect(JSON.stringify(failure.details)).toContain("no prices");
  });

  test("it does not have the function that the ini names", async () => {
    const files = classicFiles("x");
    const failure = await deployBroken({ ...files, "app.ini": iniText("./libapp.so", ["rust-fn = serve"]) });
    expect([11, 12]).toContain(failure.exit);
    expect(JSON.stringify(failure)).toMatch(/serve/);
  });

  test("the ini has an option that nobody knows", async () => {
    const failure = await deployBroken(classicFiles("x", ["procceses = 2"]));
    expect([2, 11]).toContain(failure.exit);
    expect(JSON.stringify(failure)).toMatch(/app\.ini:9.*procceses.*processes/s);
  });

  test("there is an ini, and nothing to serve", async () => {
    const failure = await deployBroken({ "app.ini": iniText("./libapp.so", ["rust-fn = application"]) });
    expect([failure.exit, failure.code]).toEqual([2, "ERR_MANIFEST_INVALID"]);
    expect(failure.message).toContain("nothing to serve");
  });
});
