import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { EnvironmentView, InstanceView } from "@bloomery/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { counterFiles } from "./lib/counter.js";
import { startLoad } from "./lib/load.js";
import { eventually, startPlatform, type Platform } from "./lib/platform.js";
import { makeProject, type Project } from "./lib/project.js";
import type { Failure } from "./lib/shop.js";

/** One app of three replicas; what they have gone through stays. */
describe("replicas", () => {
  const host = "counter-local.localhost";
  let platform: Platform;
  let project: Project;
  let token: string;

  beforeAll(async () => {
    platform = await startPlatform();
    project = await makeProject(counterFiles("one"));
    await platform.json("deploy", project.dir, "-a", "counter");
    token = (await readFile(join(platform.home, "admin.token"), "utf8")).trim();
  });
  afterAll(async () => {
    await platform.stop();
    await project.dispose();
  });

  /** Without a process for each look. */
  const api = async <T>(path: string): Promise<T> => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`http://127.0.0.1:${platform.apiPort}/v1/${path}`, { headers });
    return (await response.json()) as T;
  };
  const instances = async (): Promise<readonly InstanceView[]> =>
    (await api<{ instances: InstanceView[] }>("instances?app=counter")).instances;
  const ready = async (): Promise<readonly InstanceView[]> =>
    (await instances()).filter(({ state }) => state === "ready");
  const environment = async (): Promise<EnvironmentView | undefined> =>
    (await api<{ environments: EnvironmentView[] }>("orgs/local/apps/counter")).environments[0];
  const places = async (): Promise<string[]> =>
    (await ready()).map(({ role, replica }) => `${role}/${replica}`);
  const untilReady = (count: number): Promise<unknown> =>
    eventually(`${count} replicas`, ready, (all) => all.length === count);
  const answers = async (times: number): Promise<Map<string, number>> => {
    const counts = new Map<string, number>();
    for (let index = 0; index < times; index++) {
      const { body } = await platform.get(host);
      counts.set(body, (counts.get(body) ?? 0) + 1);
    }
    return counts;
  };

  test("the manifest's count runs, and a single client's requests reach all alike", async () => {
    expect(await places()).toEqual(["web/0", "web/1", "web/2"]);
    const counts = [...(await answers(60)).values()];
    expect(counts).toHaveLength(3);
    expect(Math.min(...counts)).toBeGreaterThan(12);
  });

  test("one that is killed costs no GET, and no POST runs twice", async () => {
    const clients = 4;
    const gets = startLoad(platform.httpPort, host, { clients });
    const posts = startLoad(platform.httpPort, host, {
      ...{ clients, method: "POST", path: (index: number) => `/p${index}` },
    });
    const kills = 10;
    for (let kill = 0; kill < kills; kill++) {
      // One of those that have run longest: the others come back with growing pauses.
      const running = await eventually("two that run", ready, (all) => all.length > 1);
      const oldest = running.toSorted((a, b) => ((a.startedAt ?? "") < (b.startedAt ?? "") ? -1 : 1))[0];
      process.kill((kill % 5 === 4 ? await shimOf(oldest) : oldest?.pid) ?? 0, "SIGKILL");
      await eventually("its end", ready, (all) => all.every(({ pid }) => pid !== oldest?.pid));
      const [got, posted] = [gets.count(), posts.count()];
      await eventually(
        "traffic",
        async () => Math.min(gets.count() - got, posts.count() - posted),
        (more) => more > 50,
      );
    }
    const [got, posted] = [await gets.stop(), await posts.stop()];
    expect(got.failures).toEqual([]);
    expect(posted.failures.filter((failure) => !failure.endsWith("status 502"))).toEqual([]);
    expect(posted.failures.length).toBeLessThanOrEqual(kills * clients);
    const ids = (await platform.get(host, "/ids")).body.trim().split("\n");
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(posted.requests - posted.failures.length);
    await untilReady(3);
  });

  test("more take traffic when they are ready, fewer finish what they have: nothing fails", async () => {
    // New connections: nginx closes idle ones when it is told of other places.
    const load = startLoad(platform.httpPort, host, { clients: 4, keepAlive: false });
    const scale = async (count: string): Promise<unknown> => {
      const view = await platform.json<EnvironmentView>("scale", "counter", `web=${count}`);
      return [view.replicas, view.instances];
    };
    expect(await scale("5")).toEqual([{ web: 5 }, { ready: 5, wanted: 5 }]);
    expect((await answers(60)).size).toBe(5);
    expect(await scale("2")).toEqual([{ web: 2 }, { ready: 2, wanted: 2 }]);
    await eventually("the end of three", instances, (all) => all.length === 2);
    expect(await places()).toEqual(["web/0", "web/1"]);
    expect((await answers(20)).size).toBe(2);
    const { failures, requests } = await load.stop();
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(100);
  });

  test("what was set stays through a daemon's end and a deployment, until it is given back", async () => {
    process.kill(await platform.daemonPid(), "SIGKILL");
    await platform.start();
    expect(await places()).toEqual(["web/0", "web/1"]);
    await project.write("bloom.toml", counterFiles("two")["bloom.toml"] ?? "");
    await platform.json("deploy", project.dir, "-a", "counter");
    expect([...(await answers(20)).keys()].map((body) => body.split(" ")[0])).toEqual(["two", "two"]);
    const view = await platform.json<EnvironmentView>("scale", "counter", "web=default");
    expect(view).toMatchObject({ replicas: { web: 3 }, instances: { ready: 3, wanted: 3 } });
  });

  test.each([
    ["web=0", 2, "bloom stop"],
    ["web=17", 7, "16 replicas at most"],
    ["web=many", 2, "ROLE=COUNT"],
    ["mail=2", 5, "no role mail"],
  ])("refuses %s with exit code %i and says %s", async (word, code, words) => {
    const result = await platform.bloom("scale", "counter", word);
    expect([result.code, result.stderr]).toEqual([code, expect.stringContaining(words)]);
    expect((await environment())?.replicas).toEqual({ web: 3 });
  });

  test("a restart replaces one after the other: nothing fails, and never more than one is extra", async () => {
    const before = new Set((await instances()).map(({ id }) => id));
    const load = startLoad(platform.httpPort, host, { clients: 4 });
    const seen: number[] = [];
    let isDone = false;
    const watch = (async () => {
      while (!isDone) seen.push((await instances()).length);
    })();
    await platform.json("restart", "counter");
    isDone = true;
    await watch;
    expect((await load.stop()).failures).toEqual([]);
    expect([Math.min(...seen), Math.max(...seen)]).toEqual([3, 4]);
    await eventually("the end of the last", instances, (all) => all.length === 3);
    expect((await instances()).filter(({ id }) => before.has(id))).toEqual([]);
  });

  test("one that does not stay up: the others serve, and status says which and why", async () => {
    expect((await platform.get(host, "/break", { method: "POST" })).status).toBe(502);
    const view = await eventually("its trouble", environment, (one) => one?.health === "degraded");
    expect(view).toMatchObject({ instances: { ready: 2, wanted: 3 } });
    expect(view?.trouble).toMatch(/^web\/\d: exit code 3 /);
    expect((await platform.bloom("status", "counter")).stderr).toMatch(
      /main is degraded: web\/\d: exit code 3 /,
    );
    expect((await platform.bloom("ps", "counter")).stdout).toMatch(/ web\/\d +crashed .*exit code 3 /);
    const load = startLoad(platform.httpPort, host, { clients: 4 });
    const posts = startLoad(platform.httpPort, host, { clients: 2, method: "POST", path: () => "/more" });
    await eventually(
      "traffic",
      async () => Math.min(load.count(), posts.count()),
      (count) => count > 200,
    );
    expect([(await load.stop()).failures, (await posts.stop()).failures]).toEqual([[], []]);
  });

  test("a version of which one does not come up leaves all of the old one serving", async () => {
    const before = (await instances()).map(({ id }) => id);
    await project.write("bloom.toml", counterFiles("three")["bloom.toml"] ?? "");
    const result = await platform.bloom("deploy", project.dir, "-a", "counter", "--json");
    const { error } = JSON.parse(result.stdout) as Failure;
    expect([result.code, error.code]).toEqual([12, "ERR_START_FAILED"]);
    expect((await instances()).map(({ id }) => id)).toEqual(before);
    expect([...(await answers(20)).keys()].map((body) => body.split(" ")[0])).toEqual(["two", "two"]);
  });

  test("so does a restart, as far as it has come; once mended, it replaces all", async () => {
    const result = await platform.bloom("restart", "counter", "--json");
    expect([result.code, result.stdout]).toEqual([
      12,
      expect.stringMatching(/\d of 3 replicas were replaced/),
    ]);
    expect((await answers(20)).size).toBe(2);
    await platform.get(host, "/mend", { method: "POST" });
    await platform.json("restart", "counter");
    expect(await environment()).toMatchObject({ health: "running", instances: { ready: 3, wanted: 3 } });
    expect((await answers(30)).size).toBe(3);
  });

  const shimOf = async (instance: InstanceView | undefined): Promise<number> => {
    const state = await readFile(join(platform.home, "instances", instance?.id ?? "", "state.json"), "utf8");
    return (JSON.parse(state) as { shim_pid: number }).shim_pid;
  };
});
