import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ignite, type RouteName } from "@bloomery/contract";
import type { Handlers } from "../../src/api/handlers.js";
import { createApiServer } from "../../src/api/server.js";
import { writeAnswer } from "../../src/api/write-answer.js";

const headers = { host: "localhost", authorization: "Bearer any" };

/** An API of which one handler matters. */
function serve(handlers: Partial<Handlers>) {
  return createApiServer({
    handlers: handlers as Handlers,
    authenticate: async () => ({
      ...{ name: "any", role: "admin" as const },
      ...{ orgId: null, orgName: null, appId: null, appName: null },
    }),
    log: pino({ level: "silent" }),
    allowedHosts: ["localhost"],
  });
}

describe("writeAnswer", () => {
  test("makes text of large numbers and of bytes, and leaves out what the schema does not have", () => {
    const schema = z.object({ at: ignite.int64Text, data: ignite.bytesText, left: z.string().optional() });
    const document = { at: 1_700_000_000_000, data: Buffer.from("hello"), more: "secret" };
    expect(writeAnswer(schema, document)).toBe('{"at":"1700000000000","data":"aGVsbG8="}');
  });

  test("views only its part of a larger buffer", () => {
    expect(writeAnswer(ignite.bytesText, Buffer.from("a hello b").subarray(2, 7))).toBe('"aGVsbG8="');
  });

  test("what it has written is read with the same schema", () => {
    const wire = JSON.parse(
      writeAnswer(ignite.invokeFrame, { chunk: { data: Buffer.from("hi") } }),
    ) as unknown;
    expect(ignite.invokeFrame.parse(wire)).toEqual({ chunk: { data: "aGk=" } });
  });

  test("an answer that is not of its form is our mistake", () => {
    expect(() => writeAnswer(z.object({ a: z.object({ b: z.string() }) }), { a: { b: 1 } })).toThrow(
      expect.objectContaining({ code: "ERR_INTERNAL", message: expect.stringContaining("(a.b: ") as string }),
    );
  });
});

test("documents and lines of a stream go through it", async () => {
  const name = "igniteGetCode" satisfies RouteName;
  const api = serve({
    [name]: async () => ({ fileName: "a.tar.gz", version: 1, sourceCode: Buffer.from("code") }),
    async *igniteCompileLogs() {
      yield { deployId: "d", timestampMs: 7, text: "Compiling" };
    },
  });
  const code = await api.inject({ url: "/v1/ignite/app/org/hello/code/versions/1", headers });
  expect([code.statusCode, code.json()]).toEqual([
    200,
    { fileName: "a.tar.gz", version: 1, sourceCode: "Y29kZQ==" },
  ]);
  const log = await api.inject({ url: "/v1/ignite/compile/d/logs", headers });
  expect(JSON.parse(log.payload)).toEqual({
    deployId: "d",
    timestampMs: "7",
    text: "Compiling",
  });
  await api.close();
});
