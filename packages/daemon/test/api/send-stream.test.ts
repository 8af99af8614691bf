import { request, type IncomingMessage } from "node:http";
import { once } from "node:events";
import { buffer, text } from "node:stream/consumers";
import fastify, { type FastifyInstance } from "fastify";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { BloomError } from "@bloomery/contract";
import { sendBytes, sendLines } from "../../src/api/send-stream.js";
import { splitLines } from "../../src/api/split-lines.js";

let app: FastifyInstance | undefined;
afterEach(() => app?.close());

/** Answers one request with what the generator yields. */
async function ask(
  how: "bytes" | "lines",
  source: () => AsyncGenerator<Uint8Array>,
): Promise<IncomingMessage> {
  app = fastify({ forceCloseConnections: true });
  app.get("/", async (_request, reply) =>
    how === "bytes" ? sendBytes(reply, "application/x-tar", source()) : sendLines(reply, source()),
  );
  await app.listen({ host: "127.0.0.1", port: 0 });
  const bound = app.server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  const sent = request({ host: "127.0.0.1", port, agent: false }).end();
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  return answer;
}

describe("sendBytes", () => {
  test("sends what comes with its media type", async () => {
    const answer = await ask("bytes", async function* () {
      yield Buffer.from("one ");
      yield Buffer.from("two");
    });
    expect(answer.headers["content-type"]).toBe("application/x-tar");
    expect(await text(answer)).toBe("one two");
  });

  test("an answer without bytes is whole", async () => {
    const answer = await ask("bytes", async function* () {
      yield* [];
    });
    expect([answer.statusCode, await text(answer)]).toEqual([200, ""]);
  });

  test("a failure before the first byte has a status, one after it breaks off", async () => {
    const early = await ask("bytes", async function* () {
      yield* [];
      throw new BloomError("ERR_NOT_FOUND", "nothing there");
    });
    expect(early.statusCode).toBe(404);
    await app?.close();
    const late = await ask("bytes", async function* () {
      yield Buffer.from("half");
      throw new Error("torn");
    });
    expect(late.statusCode).toBe(200);
    await expect(buffer(late)).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  test("reads on only as fast as the client, and lets go when the client does", async () => {
    let given = 0;
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const answer = await ask("bytes", async function* () {
      try {
        for (;;) {
          yield Buffer.alloc(65_536);
          given += 65_536;
        }
      } finally {
        release();
      }
    });
    await once(answer, "readable");
    for (let before = -1; before !== given;) {
      before = given;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(given).toBeLessThan(50_000_000);
    answer.on("error", () => undefined).destroy();
    await released;
  });
});

test("sendLines says a late failure in its last line", async () => {
  const answer = await ask("lines", async function* () {
    yield [1] as unknown as Uint8Array;
    throw new BloomError("ERR_INSTANCE_LOST", "gone");
  });
  const lines = (await text(answer))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
  expect(lines).toMatchObject([[1], { error: { code: "ERR_INSTANCE_LOST", message: "gone" } }]);
});

describe("splitLines", () => {
  const collect = async (chunks: readonly Uint8Array[], limit = 1000): Promise<string[]> => {
    const stream = async function* (): AsyncGenerator<Uint8Array> {
      yield* chunks;
    };
    const lines: string[] = [];
    for await (const line of splitLines(stream(), limit)) lines.push(line);
    return lines;
  };

  test("finds the same lines whatever the chunks", async () => {
    const line = fc.string({ unit: "grapheme" }).filter((one) => !one.includes("\n"));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(fc.nat(40)), async (lines, cuts) => {
        const bytes = Buffer.from(lines.map((one) => `${one}\n`).join(""));
        const chunks: Uint8Array[] = [];
        let from = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(from, from + cut));
          from += cut;
        }
        chunks.push(bytes.subarray(from));
        expect(await collect(chunks)).toEqual(lines);
      }),
    );
  });

  test("takes a last line without an end, and refuses one that is too long", async () => {
    expect(await collect([Buffer.from("a\nb")])).toEqual(["a", "b"]);
    await expect(collect([Buffer.from("12345"), Buffer.from("6789")], 8)).rejects.toMatchObject({
      code: "ERR_LIMIT_REACHED",
    });
  });
});
