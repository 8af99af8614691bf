import { EventEmitter, once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { PassThrough, Readable } from "node:stream";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { execInput, execOrder, type ExecInput, type ExecOrder, type ExecOutput } from "@bloomery/contract";
import { run, startFakeDaemon, type FakeDaemon } from "./fake-daemon.js";

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await startFakeDaemon();
});
afterEach(() => daemon.close());

const bytes = (text: string | Buffer): string => Buffer.from(text as string).toString("base64");
const started: ExecOutput = { type: "started", instance: "i-1" };
const say = (text: string | Buffer, stream: "stdout" | "stderr" = "stdout"): ExecOutput => {
  return { type: "output", stream, data: bytes(text) };
};
const exit = (code: number): ExecOutput => ({ type: "exit", code, signal: null });

interface Inside {
  readonly order: ExecOrder;
  readonly send: (line: ExecOutput) => boolean;
  readonly response: ServerResponse;
}

/** Answers `exec` with a command that is a function of its order and of each line of its input. */
function answer(begin: (inside: Inside) => void, take: (line: ExecInput, inside: Inside) => unknown): void {
  daemon.duplex.execInApp = (request: IncomingMessage, response: ServerResponse) => {
    void (async () => {
      const send = (line: ExecOutput): boolean => {
        const free = response.write(`${JSON.stringify(line)}\n`);
        if (line.type === "exit") response.end();
        return free;
      };
      let inside: Inside | undefined;
      for await (const text of createInterface({ input: request })) {
        if (inside === undefined) {
          inside = { order: execOrder.parse(JSON.parse(text)), send, response };
          begin(inside);
        } else await take(execInput.parse(JSON.parse(text)), inside);
      }
    })().catch(() => undefined); // the command has ended, and the connection with it
  };
}

const exec = (argv: readonly string[], more: Parameters<typeof run>[3] = {}): ReturnType<typeof run> =>
  run(["exec", "shop", ...argv], { BLOOM_API: daemon.url, TERM: "vt100" }, "/", more);

describe("a command", () => {
  test("gives its output, its complaints and its exit code, byte for byte", async () => {
    let order: ExecOrder | undefined;
    answer(
      (inside) => {
        order = inside.order;
        const letter = Buffer.from("ü");
        for (const line of [started, say("out\n"), say("err\n", "stderr"), say(letter.subarray(0, 1))])
          inside.send(line);
        inside.send(say(letter.subarray(1)));
        inside.send(exit(7));
      },
      () => undefined,
    );
    const result = await exec(["-e", "staging", "-i", "i-1", "--", "sh", "-c", "echo out; -x --json"]);
    expect(result).toEqual({ code: 7, stdout: "out\nü", stderr: "err\n" });
    expect(order).toEqual({
      command: ["sh", "-c", "echo out; -x --json"],
      env: {},
      instance: "i-1",
      tty: null,
    });
    expect(daemon.calls[0]?.params).toEqual({ org: "local", app: "shop", environment: "staging" });
  });

  test("gets what is piped in, all of it, and its end", async () => {
    const sent = Buffer.alloc(3_000_000, "0123456789abcdef\n");
    answer(
      ({ send }) => send(started),
      async (line, { send, response }) => {
        if (!("stdin" in line)) return;
        if (line.stdin === "") return void send(exit(0));
        if (!send({ type: "output", stream: "stdout", data: line.stdin })) await once(response, "drain");
      },
    );
    const chunks = Array.from({ length: 30 }, (_, n) => sent.subarray(n * 100_000, (n + 1) * 100_000));
    const { code, stdout } = await exec(["--", "cat"], { stdin: Readable.from(chunks) });
    expect([code, stdout.length]).toEqual([0, sent.length]);
    expect(stdout === sent.toString()).toBe(true);
  });

  test("that does not read may end; what is piped in is let go", async () => {
    const stdin = new PassThrough();
    stdin.write("unread");
    answer(
      ({ send }) => send(started),
      (_line, { send }) => send(exit(3)),
    );
    expect((await exec(["--", "true"], { stdin })).code).toBe(3);
    expect([stdin.isPaused(), stdin.listenerCount("data")]).toEqual([true, 0]);
  });

  test("--json gives the lines of the contract", async () => {
    answer(
      ({ send }) => [started, say("hi"), exit(0)].forEach(send),
      () => undefined,
    );
    const { stdout } = await exec(["--json", "--", "true"]);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([started, say("hi"), exit(0)]);
  });

  test("gets Ctrl-C, and decides what comes of it", async () => {
    answer(
      ({ send }) => {
        send(started);
        setImmediate(() => process.emit("SIGINT"));
      },
      (line, { send }) => "signal" in line && send(exit(line.signal === "INT" ? 42 : 1)),
    );
    expect((await exec(["--", "sleep", "9"], { stdin: new PassThrough() })).code).toBe(42);
  });
});

describe("on a terminal", () => {
  /** A terminal with its modes and its changes of size. */
  function openTerminal() {
    const modes: boolean[] = [];
    const stdin = Object.assign(new PassThrough(), {
      isTTY: true,
      setRawMode: (mode: boolean) => modes.push(mode),
    });
    const events = new EventEmitter();
    const terminal = {
      isTTY: true,
      columns: 120,
      rows: 40,
      on: (name: "resize", listener: () => void) => events.on(name, listener),
      off: (name: "resize", listener: () => void) => events.off(name, listener),
    };
    return { stdin, modes, terminal, events };
  }

  test("the command gets one, every key and each new size; then ours is as it was", async () => {
    const { stdin, modes, terminal, events } = openTerminal();
    let order: ExecOrder | undefined;
    const seen: ExecInput[] = [];
    answer(
      (inside) => {
        order = inside.order;
        inside.send(started);
        stdin.write("\u0003");
      },
      (line, { send }) => {
        seen.push(line);
        if (seen.length === 2) return void send(exit(0));
        expect(modes).toEqual([true]);
        terminal.rows = 50;
        events.emit("resize");
      },
    );
    expect((await exec(["--", "sh"], { stdin, terminal })).code).toBe(0);
    expect(order).toMatchObject({ env: { TERM: "vt100" }, tty: { rows: 40, cols: 120 } });
    expect(seen).toEqual([{ stdin: bytes("\u0003") }, { resize: { rows: 50, cols: 120 } }]);
    expect([modes, events.listenerCount("resize")]).toEqual([[true, false], 0]);
  });

  test.each([
    [["-T"], true, null],
    [[], false, null],
    [["--json"], true, null],
    [["-t"], false, { rows: 24, cols: 80 }],
  ])("%j, ours %j: %j", async (flags, isOurs, tty) => {
    let order: ExecOrder | undefined;
    answer(
      (inside) => {
        order = inside.order;
        inside.send(started);
        inside.send(exit(0));
      },
      () => undefined,
    );
    const { stdin, terminal } = openTerminal();
    await exec([...flags, "--", "sh"], isOurs ? { stdin, terminal } : {});
    expect(order?.tty).toEqual(tty);
  });

  test("a lost connection gives the terminal back", async () => {
    const { stdin, modes, terminal } = openTerminal();
    answer(
      ({ send, response }) => {
        send(started);
        setImmediate(() => response.destroy());
      },
      () => undefined,
    );
    expect((await exec(["--", "sh"], { stdin, terminal })).code).toBe(9);
    expect(modes).toEqual([true, false]);
  });
});

describe("what goes wrong", () => {
  test("the answer's error decides the exit code", async () => {
    const error = { code: "ERR_APP_STOPPED", message: "shop is stopped" };
    answer(
      ({ response }) => response.writeHead(409).end(JSON.stringify({ error })),
      () => undefined,
    );
    expect(await exec(["--", "true"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("bloom start APP") as string,
    });
    answer(
      ({ response }) => response.end(`${JSON.stringify({ error: { ...error, code: "ERR_NOT_FOUND" } })}\n`),
      () => undefined,
    );
    expect((await exec(["--", "true"])).code).toBe(5);
  });

  test("an answer that ends before the command is no success", async () => {
    answer(
      ({ response, send }) => {
        send(started);
        response.end();
      },
      () => undefined,
    );
    expect(await exec(["--", "true"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("the connection ended before the command did") as string,
    });
  });

  test.each([
    [["exec", "shop"], "missing required argument 'command'"],
    [["exec", "shop", "ls", "-l"], "Write `--` before the command: bloom exec shop -- CMD."],
    [["exec", "No", "--", "ls"], "not a valid name"],
    [["exec", "shop", "--", ""], "the command is empty"],
  ])("%j is refused", async (argv, words) => {
    const { code, stderr } = await run(argv, { BLOOM_API: daemon.url });
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
    expect(daemon.calls).toEqual([]);
  });
});
