import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LogType } from "@bloomery/contract";
import type { SourceLine } from "../../src/observe/log-series.js";
import { planLogSeries, type LogFacts } from "../../src/observe/plan-log-series.js";
import { readLogs, type LogQuery } from "../../src/observe/read-logs.js";

let folder: string;
let facts: LogFacts;
let instances: LogFacts["instances"][number][];
let changed: () => void;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bloom-logs-"));
  await mkdir(join(folder, "nginx"));
  await mkdir(join(folder, "hooks"));
  instances = [await addInstance("i-a", 1)];
  facts = {
    environmentId: "env-1",
    instances,
    hooks: { deploy: join(folder, "hooks/deploy.log"), post_deploy: join(folder, "hooks/post_deploy.log") },
    access: join(folder, "nginx/access.log"),
    error: join(folder, "nginx/error.log"),
    hostNames: ["shop.localhost"],
    builds: [{ version: 1, file: join(folder, "build.log"), time: at(0) }],
  };
});
afterEach(() => rm(folder, { recursive: true }));

async function addInstance(id: string, version: number): Promise<LogFacts["instances"][number]> {
  const dir = join(folder, id);
  await mkdir(dir);
  return { id, version, role: "web", dir };
}

const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000Z`;

function query(more: Partial<LogQuery> = {}, types: readonly LogType[] = ["app"]): LogQuery {
  return {
    since: undefined,
    tail: undefined,
    follow: false,
    signal: new AbortController().signal,
    series: async () => planLogSeries({ ...facts, instances }, new Set(types)),
    watchSeries: (notice) => {
      changed = notice;
      return () => undefined;
    },
    accepts: (line) => types.includes(line.type),
    ...more,
  };
}

async function texts(lines: AsyncIterable<SourceLine>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines) found.push(`${line.instance ?? line.type} ${line.stream} ${line.text}`);
  return found;
}

/** Takes as many lines as asked and hands the generator back. */
async function take(lines: AsyncGenerator<SourceLine>, count: number): Promise<string[]> {
  const found: string[] = [];
  while (found.length < count) {
    const { value, done } = await lines.next();
    if (done === true) break;
    found.push(value.text);
  }
  return found;
}

const access = (second: number, uri: string, env = "env-1"): string =>
  `${JSON.stringify({
    ...{ at: Date.parse(at(second)) / 1000, env, method: "GET", uri, status: 200, bytes: 5 },
    ...{ request_time: 0.012, client: "127.0.0.1", agent: "probe/1" },
  })}\n`;

describe("readLogs", () => {
  test("merges instances and rotated files in the order of time", async () => {
    instances.push(await addInstance("i-b", 2));
    await writeFile(join(folder, "i-a/app.log.1"), `${at(1)} out first\n`);
    await writeFile(join(folder, "i-a/app.log"), `${at(3)} err third\n${at(5)} shim exited\n`);
    await writeFile(join(folder, "i-b/app.log"), `${at(2)} out second\n${at(4)} out fourth\n`);
    expect(await texts(readLogs(query()))).toEqual([
      "i-a stdout first",
      "i-b stdout second",
      "i-a stderr third",
      "i-b stdout fourth",
      "i-a platform exited",
    ]);
    const end = ["i-b stdout fourth", "i-a platform exited"];
    expect(await texts(readLogs(query({ since: at(4) })))).toEqual(end);
    expect(await texts(readLogs(query({ since: "2026-01-01T00:00:04Z" })))).toEqual(end);
    expect(await texts(readLogs(query({ since: "2026-01-01T00:00:04.000Z", tail: 1 })))).toEqual(
      end.slice(1),
    );
    expect(await texts(readLogs(query({ tail: 1 })))).toEqual(end.slice(1));
    expect(await texts(readLogs(query({ tail: 0 })))).toEqual([]);
  });

  test("a time in milliseconds includes every line of that millisecond", async () => {
    const lines = ["03.999999Z out before", "04.000001Z out first", "04.000900Z out second"];
    await writeFile(join(folder, "i-a/app.log"), lines.map((line) => `2026-01-01T00:00:${line}\n`).join(""));
    const found = await texts(readLogs(query({ since: "2026-01-01T00:00:04.000Z" })));
    expect(found).toEqual(["i-a stdout first", "i-a stdout second"]);
  });

  test("an app without output has no lines", async () => {
    expect(await texts(readLogs(query({}, ["app", "hooks", "access", "error", "build"])))).toEqual([]);
  });

  test("merges all types, each line with its own", async () => {
    await writeFile(join(folder, "build.log"), "Compiling shop\nFinished\n");
    await writeFile(facts.hooks.deploy, `2026-01-01T00:00:02.500Z err migrating\n`);
    await writeFile(facts.hooks.post_deploy, `2026-01-01T00:00:08.000Z out warm\n`);
    await writeFile(
      join(folder, "i-a/app.log"),
      `${at(2)} pre preparing\n${at(3)} out up\n${at(3)} out+ and on\n${at(4)} post checked\n`,
    );
    await writeFile(facts.access, access(5, "/") + access(6, "/other", "env-2") + access(7, "/last"));
    const all = await texts(readLogs(query({}, ["app", "hooks", "access", "error", "build"])));
    expect(all).toEqual([
      "build build Compiling shop",
      "build build Finished",
      "i-a pre_start preparing",
      "hooks deploy migrating",
      "i-a stdout up",
      "i-a stdout and on",
      "i-a post_start checked",
      'access request 127.0.0.1 "GET /" 200 5 0.012s "probe/1"',
      'access request 127.0.0.1 "GET /last" 200 5 0.012s "probe/1"',
      "hooks post_deploy warm",
    ]);
    expect(await texts(readLogs(query({}, ["hooks"])))).toHaveLength(4);
    const deploy = query({ accepts: (line) => line.stream === "deploy" }, ["hooks"]);
    expect(await texts(readLogs(deploy))).toEqual(["hooks deploy migrating"]);
  });

  test("holds for bytes that are no text, carriage returns and very long lines", async () => {
    const path = join(folder, "i-a/app.log");
    await writeFile(
      path,
      Buffer.concat([Buffer.from(`${at(1)} out a`), Buffer.from([0xff, 0xfe]), Buffer.from("\n")]),
    );
    await appendFile(path, `${at(2)} out 10%\r20%\u2028end\n${at(3)} out ${"x".repeat(300_000)}\n`);
    const abort = new AbortController();
    const lines = readLogs(query({ follow: true, signal: abort.signal }));
    const [first, second, third] = await take(lines, 3);
    expect([first, second, third?.length]).toEqual(["a\ufffd\ufffd", "10%\r20%\u2028end", 300_000]);
    const next = take(lines, 1);
    await appendFile(path, `${at(4)} out after\n`);
    expect(await next).toEqual(["after"]);
    abort.abort();
    expect(await take(lines, 1)).toEqual([]);
  });
});

describe("following", () => {
  test("shows what is written, through a rotation, and new instances", async () => {
    const path = join(folder, "i-a/app.log");
    await writeFile(path, `${at(1)} out one\n`);
    const abort = new AbortController();
    const lines = readLogs(query({ follow: true, signal: abort.signal }));
    expect(await take(lines, 1)).toEqual(["one"]);
    const next = take(lines, 2);
    await appendFile(path, `${at(2)} out two\n${at(3)} out thr`);
    await appendFile(path, "ee\n");
    expect(await next).toEqual(["two", "three"]);
    const rotated = take(lines, 2);
    await appendFile(path, `${at(4)} out four\n`);
    await rename(path, `${path}.1`);
    await writeFile(path, `${at(5)} out five\n`);
    expect(await rotated).toEqual(["four", "five"]);
    const joined = take(lines, 1);
    const fresh = await addInstance("i-b", 2);
    await writeFile(join(fresh.dir, "app.log"), `${at(6)} out six\n`);
    instances.push(fresh);
    changed();
    expect(await joined).toEqual(["six"]);
    const last = take(lines, 1);
    abort.abort();
    expect(await last).toEqual([]);
  });

  test("misses and repeats nothing while files are rotated again and again", async () => {
    const path = join(folder, "i-a/app.log");
    await writeFile(path, "");
    const abort = new AbortController();
    const count = 600;
    const lines = readLogs(query({ follow: true, signal: abort.signal }));
    const found: string[] = [];
    for (let number = 0; number < count; number++) {
      await appendFile(path, `${at(number % 60)} out line ${number}\n`);
      if (number % 40 !== 39) continue;
      for (let age = 3; age >= 0; age--) {
        const from = age === 0 ? path : `${path}.${age}`;
        await rename(from, `${path}.${age + 1}`).catch(() => undefined);
      }
      // No writer fills four files between two looks.
      if (number % 120 === 119) found.push(...(await take(lines, 120)));
    }
    const expected = Array.from({ length: count }, (_, number) => `line ${number}`);
    expect(found.toSorted()).toEqual(expected.toSorted());
    abort.abort();
    expect(await take(lines, 1)).toEqual([]);
  });

  test("shows what a writer still puts into a file that was moved aside", async () => {
    await writeFile(facts.access, access(1, "/1"));
    const abort = new AbortController();
    const lines = readLogs(query({ follow: true, signal: abort.signal }, ["access"]));
    expect(await take(lines, 1)).toHaveLength(1);
    await rename(facts.access, `${facts.access}.1`);
    const fresh = take(lines, 1);
    await writeFile(facts.access, access(3, "/3"));
    expect(await fresh).toEqual([expect.stringContaining("GET /3")]);
    const late = take(lines, 1);
    await appendFile(`${facts.access}.1`, access(2, "/2"));
    expect(await late).toEqual([expect.stringContaining("GET /2")]);
    abort.abort();
    expect(await take(lines, 1)).toEqual([]);
  });

  test("begins anew with a log that was emptied", async () => {
    const path = join(folder, "i-a/app.log");
    await writeFile(path, `${at(1)} out a long first line\n`);
    const abort = new AbortController();
    const lines = readLogs(query({ follow: true, signal: abort.signal }));
    expect(await take(lines, 1)).toHaveLength(1);
    const next = take(lines, 1);
    await writeFile(path, `${at(2)} out short\n`);
    expect(await next).toEqual(["short"]);
    abort.abort();
    expect(await take(lines, 1)).toEqual([]);
  });
});
