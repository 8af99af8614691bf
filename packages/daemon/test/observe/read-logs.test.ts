import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseLogLine } from "../../src/observe/log-file.js";
import { readLogs, type FoundLine, type LogQuery, type LogSource } from "../../src/observe/read-logs.js";

let folder: string;
let sources: LogSource[];
let changed: () => void;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bloom-logs-"));
  sources = [await addSource("i-a", 1)];
});
afterEach(() => rm(folder, { recursive: true }));

async function addSource(instance: string, version: number): Promise<LogSource> {
  const dir = join(folder, instance);
  await mkdir(dir);
  return { instance, version, role: "web", dir };
}

const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000Z`;

function query(more: Partial<LogQuery> = {}): LogQuery {
  return {
    since: undefined,
    tail: undefined,
    follow: false,
    signal: new AbortController().signal,
    sources: async () => sources,
    watchSources: (notice) => {
      changed = notice;
      return () => undefined;
    },
    ...more,
  };
}

async function texts(lines: AsyncIterable<FoundLine>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines) found.push(`${line.instance} ${line.stream} ${line.text}`);
  return found;
}

/** Takes as many lines as asked and hands the generator back. */
async function take(lines: AsyncGenerator<FoundLine>, count: number): Promise<string[]> {
  const found: string[] = [];
  while (found.length < count) {
    const { value, done } = await lines.next();
    if (done === true) break;
    found.push(value.text);
  }
  return found;
}

describe("readLogs", () => {
  test("merges instances and rotated files in the order of time", async () => {
    sources.push(await addSource("i-b", 2));
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
    expect(await texts(readLogs(query({ since: at(4) })))).toEqual([
      "i-b stdout fourth",
      "i-a platform exited",
    ]);
    expect(await texts(readLogs(query({ since: "2026-01-01T00:00:04.000Z", tail: 1 })))).toEqual([
      "i-a platform exited",
    ]);
    expect(await texts(readLogs(query({ tail: 1 })))).toEqual(["i-a platform exited"]);
    expect(await texts(readLogs(query({ tail: 0 })))).toEqual([]);
  });

  test("an instance without output has no lines", async () => {
    expect(await texts(readLogs(query()))).toEqual([]);
  });

  test("follows what is written, through a rotation, and new instances", async () => {
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
    const fresh = await addSource("i-b", 2);
    await writeFile(join(fresh.dir, "app.log"), `${at(6)} out six\n`);
    sources.push(fresh);
    changed();
    expect(await joined).toEqual(["six"]);
    const last = take(lines, 1);
    abort.abort();
    expect(await last).toEqual([]);
  });
});

test("parseLogLine takes what the shim writes and refuses the rest", () => {
  expect(parseLogLine(`${at(1)} out+ more`)).toEqual({ time: at(1), stream: "stdout", text: "more" });
  expect(parseLogLine(`${at(1)} err `)).toEqual({ time: at(1), stream: "stderr", text: "" });
  expect(parseLogLine("something else")).toBeUndefined();
  fc.assert(fc.property(fc.string(), (text) => parseLogLine(`${at(1)} out ${text}`)?.text === text));
});

test("a time in milliseconds includes every line of that millisecond", async () => {
  await writeFile(
    join(folder, "i-a/app.log"),
    ["03.999999Z out before", "04.000001Z out first", "04.000900Z out second"]
      .map((line) => `2026-01-01T00:00:${line}\n`)
      .join(""),
  );
  const found = await texts(readLogs(query({ since: "2026-01-01T00:00:04.000Z" })));
  expect(found).toEqual(["i-a stdout first", "i-a stdout second"]);
});
