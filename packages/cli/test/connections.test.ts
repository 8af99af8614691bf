import type { ServerResponse } from "node:http";
import { PassThrough, Readable } from "node:stream";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  connectInput,
  connectOrder,
  type ConnectInput,
  type ConnectionView,
  type ConnectOrder,
  type ConnectOutput,
} from "@bloomery/contract";
import { run, startFakeDaemon, type FakeDaemon } from "./fake-daemon.js";

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await startFakeDaemon();
});
afterEach(() => daemon.close());
const bloom = (argv: readonly string[], more: Parameters<typeof run>[3] = {}): ReturnType<typeof run> =>
  run(argv, { BLOOM_API: daemon.url }, "/", more);

const one: ConnectionView = {
  ...{ id: "4711-12", peer: "192.0.2.7:5555", port: 7878, version: 3, release: 5, instance: "i-a" },
  ...{
    state: "draining",
    since: "2026-01-01T00:00:00.000Z",
    ageSeconds: 100,
    bytesIn: 512,
    bytesOut: 2_000_000,
  },
};
const unknown: ConnectionView = {
  ...{ id: "i-b.4000", peer: null, port: 7878, version: null, release: null, instance: null },
  ...{ state: "open", since: null, ageSeconds: null, bytesIn: 0, bytesOut: 0 },
};

describe("bloom connections", () => {
  test("lists who is connected, and what cannot be known", async () => {
    const body = { connections: [one, unknown], unlisted: 2, notes: ["see `bloom logs APP`"] };
    daemon.answers.listConnections = { body };
    const { code, stdout, stderr } = await bloom(["connections", "game", "-e", "staging"]);
    expect(daemon.calls[0]?.params).toEqual({ org: "local", app: "game", environment: "staging" });
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "CONNECTION  PEER            PORT  VERSION  RELEASE  INSTANCE  STATE     AGE    BYTES IN  BYTES OUT",
        "4711-12     192.0.2.7:5555  7878  v3       5        i-a       draining  2 min  512 B     2.0 MB",
        "i-b.4000    -               7878  -        -        -         open      -      0 B       0 B",
        "",
      ].join("\n"),
    );
    expect(stderr).toBe("2 open, of which no more is known\nsee `bloom logs game`\n");
    expect(JSON.parse((await bloom(["connections", "game", "--json"])).stdout)).toEqual(body);
  });

  test("ends one that is open, after asking", async () => {
    daemon.answers.listConnections = { body: { connections: [one], unlisted: 0, notes: [] } };
    daemon.answers.closeConnection = { body: { ok: true } };
    const asked = await bloom(["connections", "game", "--close", "4711-12"]);
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining("of 192.0.2.7:5555?") as string });
    expect(daemon.count("closeConnection")).toBe(0);
    expect(await bloom(["connections", "game", "--close", "4711-12", "--yes"])).toMatchObject({
      code: 0,
      stdout: "4711-12 has ended\n",
    });
    expect(daemon.calls.at(-1)?.params).toMatchObject({ app: "game", connection: "4711-12" });
    expect((await bloom(["connections", "game", "--close", "1-1", "--yes"])).code).toBe(5);
    expect(daemon.count("closeConnection")).toBe(1);
  });
});

interface Session {
  readonly order: ConnectOrder;
  readonly send: (line: ConnectOutput) => void;
  readonly response: ServerResponse;
}
const base64 = (text: string | Buffer): string => Buffer.from(text as string).toString("base64");

/** Answers `connect` with an app that is a function of its order and of each line of its input. */
function answer(
  begin: (session: Session) => void,
  take: (line: ConnectInput, session: Session) => void,
): void {
  daemon.duplex.connectToApp = (request, response) => {
    void (async () => {
      const send = (line: ConnectOutput): void => {
        response.write(`${JSON.stringify(line)}\n`);
        if (line.type === "end") response.end();
      };
      let session: Session | undefined;
      for await (const text of createInterface({ input: request })) {
        if (session === undefined) {
          session = { order: connectOrder.parse(JSON.parse(text)), send, response };
          begin(session);
        } else take(connectInput.parse(JSON.parse(text)), session);
      }
    })().catch(() => undefined); // the command has ended, and the connection with it
  };
}
const greet = ({ send }: Session): void => send({ type: "connected", port: 7878 });

describe("bloom connect", () => {
  test("sends what is piped in, prints the answer byte for byte, and ends when the app does", async () => {
    let order: ConnectOrder | undefined;
    answer(
      (session) => {
        order = session.order;
        greet(session);
      },
      ({ stdin }, { send }) => {
        if (stdin !== "") return send({ type: "data", data: stdin });
        // Ended, and still answered.
        send({ type: "data", data: base64(Buffer.from([0xc3])) });
        send({ type: "data", data: base64(Buffer.from([0xbc])) });
        send({ type: "end" });
      },
    );
    const result = await bloom(["connect", "game", "--port", "9000"], {
      stdin: Readable.from([Buffer.from("hello\n")]),
    });
    expect(result).toEqual({ code: 0, stdout: "hello\nü", stderr: "" });
    expect(order).toEqual({ port: 9000 });
  });

  test("ends when the app does although the input goes on, and lets go of it", async () => {
    const stdin = Object.assign(new PassThrough(), { isTTY: true });
    let order: ConnectOrder | undefined;
    answer(
      (session) => {
        order = session.order;
        greet(session);
        session.send({ type: "data", data: base64("bye\n") });
        session.send({ type: "end" });
      },
      () => undefined,
    );
    const { code, stdout, stderr } = await bloom(["connect", "game"], { stdin });
    expect([code, stdout, order]).toEqual([0, "bye\n", {}]);
    expect(stderr).toBe("connected to port 7878 of game; Ctrl-D ends what you send, Ctrl-C all\n");
    expect([stdin.isPaused(), stdin.listenerCount("data")]).toEqual([true, 0]);
  });

  test("Ctrl-C ends it", async () => {
    answer(
      (session) => {
        greet(session);
        setImmediate(() => process.emit("SIGINT"));
      },
      () => undefined,
    );
    expect((await bloom(["connect", "game"], { stdin: new PassThrough() })).code).toBe(130);
  });

  test("an app that breaks off, or a daemon that goes away, is no success", async () => {
    const error = { code: "ERR_APP_UNREACHABLE", message: "the connection was broken off" };
    answer(
      (session) => {
        greet(session);
        session.response.end(`${JSON.stringify({ error })}\n`);
      },
      () => undefined,
    );
    expect(await bloom(["connect", "game"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("the connection was broken off") as string,
    });
    answer(
      (session) => {
        greet(session);
        session.response.end();
      },
      () => undefined,
    );
    expect((await bloom(["connect", "game"])).code).toBe(1);
  });

  test.each(["0", "x", "65536", "1.5"])("a port may not be %s", async (port) => {
    expect(await bloom(["connect", "game", "--port", port])).toMatchObject({ code: 2 });
    expect(daemon.calls).toEqual([]);
  });
});
