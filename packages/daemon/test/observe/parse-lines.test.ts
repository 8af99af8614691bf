import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseLogLine, timeKey } from "../../src/observe/log-file.js";
import { mergeLines } from "../../src/observe/merge-lines.js";
import { parseAccessLine, parseErrorLine } from "../../src/observe/parse-nginx-log.js";

const time = "2026-01-01T00:00:01.000000Z";

test("parseLogLine takes what the shim writes and refuses the rest", () => {
  expect(parseLogLine(`${time} out+ more`)).toEqual({ time, stream: "out", text: "more" });
  expect(parseLogLine(`${time} err `)).toEqual({ time, stream: "err", text: "" });
  expect(parseLogLine(`${time} pre+ x`)).toEqual({ time, stream: "pre", text: "x" });
  expect(parseLogLine(`${time} post x`)).toEqual({ time, stream: "post", text: "x" });
  expect(parseLogLine(`${time} shim ready`)).toEqual({ time, stream: "shim", text: "ready" });
  expect(parseLogLine("something else")).toBeUndefined();
  fc.assert(fc.property(fc.string(), (text) => parseLogLine(`${time} out ${text}`)?.text === text));
});

test("timeKey sorts times of all precisions", () => {
  const sorted = ["00Z", "00.001Z", "00.001000Z", "00.001001Z", "00.01Z", "01Z"].map(
    (end) => `2026-01-01T00:00:${end}`,
  );
  const keys = sorted.map(timeKey);
  expect(keys).toEqual(keys.toSorted());
  expect(keys[1]).toBe(keys[2]);
});

test("mergeLines gives the lines of all sources in the order of time, and each source's own order", async () => {
  const block = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 0, maxLength: 5 });
  const sources = fc.array(fc.array(block, { maxLength: 4 }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(sources, async (given) => {
      const sorted = given.map((blocks) => {
        const all = blocks.flat().toSorted((a, b) => a - b);
        return blocks.map((one) => all.splice(0, one.length));
      });
      const streams = sorted.map(async function* (blocks) {
        for (const one of blocks) yield one.map((second) => ({ time: `2026-01-01T00:00:0${second}Z` }));
      });
      const merged: string[] = [];
      for await (const line of mergeLines(streams)) merged.push(line.time);
      expect(merged).toEqual(
        sorted
          .flat(2)
          .toSorted((a, b) => a - b)
          .map((second) => `2026-01-01T00:00:0${second}Z`),
      );
    }),
  );
});

describe("nginx's access log", () => {
  const entry = {
    ...{ at: 1_767_225_601.234, env: "env-1", method: "GET", uri: "/", status: 200, bytes: 3 },
    ...{ request_time: 0.5, client: "::1", agent: "a", host: "h" },
  };

  test("becomes a line of text with the request's time", () => {
    expect(parseAccessLine(JSON.stringify(entry), "env-1")).toMatchObject({
      time: "2026-01-01T00:00:01.234Z",
      type: "access",
      stream: "request",
      text: '::1 "GET /" 200 3 0.500s "a"',
    });
  });

  test("belongs to the environment nginx names, whatever the client writes", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const line = JSON.stringify({ ...entry, uri: `${text}","env":"env-2"`, agent: text });
        expect(parseAccessLine(line, "env-2")).toBeUndefined();
        expect(parseAccessLine(line, "env-1")?.text).not.toMatch(/\p{Cc}/u);
      }),
    );
    const twice = `${JSON.stringify(entry).slice(0, -1)},"x":{"env":"env-2"}}`;
    expect(parseAccessLine(twice, "env-2")).toBeUndefined();
  });

  test("is passed over where it is damaged", () => {
    fc.assert(fc.property(fc.string(), (text) => parseAccessLine(text, "env-1") === undefined));
    expect(parseAccessLine(JSON.stringify(entry).slice(0, -3), "env-1")).toBeUndefined();
  });
});

describe("nginx's error log", () => {
  const hosts = new Set(["shop.localhost"]);
  const line = (message: string, server = "shop.localhost"): string =>
    `2026/01/01 12:00:01 [error] 7#7: *3 ${message}, client: 127.0.0.1, server: ${server}, request: "GET / HTTP/1.1"`;

  test("is taken where it names one of the environment's hosts", () => {
    const found = parseErrorLine(line("connect() failed"), hosts);
    expect(found).toMatchObject({ type: "error", stream: "stderr", version: null });
    expect(found?.text).toMatch(
      /^\[error\] connect\(\) failed, client: 127\.0\.0\.1, server: shop\.localhost/,
    );
    expect(found?.time).toBe(new Date(2026, 0, 1, 12, 0, 1).toISOString());
    expect(parseErrorLine(line("x", "other.localhost"), hosts)).toBeUndefined();
    expect(parseErrorLine("2026/01/01 12:00:01 [notice] 7#7: signal process started", hosts)).toBeUndefined();
  });

  test("is nobody's where a client's own words name another host", () => {
    const forged = line('open() "/x, client: 1.1.1.1, server: shop.localhost, y" failed', "other.localhost");
    expect(parseErrorLine(forged, hosts)).toBeUndefined();
  });
});
