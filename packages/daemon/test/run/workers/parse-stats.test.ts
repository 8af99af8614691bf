import { expect, test } from "vitest";
import { parseStats } from "../../../src/run/workers/parse-stats.js";

const worker = {
  ...{ id: 1, pid: 12, accepting: 1, requests: 5, status: "busy", rss: 4096, last_spawn: 1_700_000_000 },
  cores: [{ id: 0, requests: 5, in_request: 1, vars: ["HTTP_COOKIE=secret"] }],
  apps: [],
};

test("takes what is known and leaves all else, such as what requests consist of", () => {
  const text = JSON.stringify({ version: "1", pid: 1, workers: [worker], sockets: [] });
  expect(parseStats(text)).toEqual([
    {
      ...{
        id: 1,
        pid: 12,
        accepting: true,
        requests: 5,
        status: "busy",
        rss: 4096,
        last_spawn: 1_700_000_000,
      },
      cores: [{ id: 0, requests: 5, in_request: true }],
    },
  ]);
});

test("a document with little is one with nothing to say", () => {
  expect(parseStats('{"workers":[{"id":3}]}')).toEqual([
    { id: 3, pid: 0, accepting: false, requests: 0, status: "", rss: 0, last_spawn: 0, cores: [] },
  ]);
});

test.each([
  "",
  "{",
  "null",
  "[]",
  '{"workers":{}}',
  '{"workers":[{"id":-1}]}',
  '{"workers":[{"id":1,"pid":"12"}]}',
  '{"workers":[{"id":1,"status":"' + "x".repeat(65) + '"}]}',
  JSON.stringify({ workers: Array.from({ length: 4097 }, (_, id) => ({ id })) }),
])("what is no such document says nothing: %.40s", (text) => {
  expect(parseStats(text)).toBeNull();
});
