import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { execInput, execOrder, type ExecInput, type ExecOrder, type ExecOutput } from "@bloomery/contract";
import { startFakeDaemon, type FakeDaemon } from "./fake-daemon.js";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const main = join(repository, "packages", "cli", "dist", "main.js");

// A process runs what is compiled.
beforeAll(() => {
  const tsc = join(repository, "node_modules", ".bin", "tsc");
  execFileSync(tsc, ["-b", join(repository, "packages", "cli")], { stdio: "pipe" });
});

let daemon: FakeDaemon;
const started: ChildProcessWithoutNullStreams[] = [];
beforeEach(async () => {
  daemon = await startFakeDaemon();
});
afterEach(async () => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  await daemon.close();
});

/** Answers `exec`: `take` gets each line and may say something; the end of the connection is kept. */
function answer(take: (line: ExecInput | ExecOrder, say: (line: ExecOutput) => void) => void): Promise<void> {
  return new Promise((resolve) => {
    daemon.duplex.execInApp = (request, response) => {
      const say = (line: ExecOutput): void => {
        response.write(`${JSON.stringify(line)}\n`);
        if (line.type === "exit") response.end();
      };
      let isFirst = true;
      request.on("error", () => undefined).once("close", resolve);
      const lines = createInterface({ input: request });
      // The connection may break: that is what some of the tests are about.
      lines
        .on("error", () => undefined)
        .on("line", (line) => {
          const value: unknown = JSON.parse(line);
          take(isFirst ? execOrder.parse(value) : execInput.parse(value), say);
          if (isFirst) say({ type: "started", instance: "i-1" });
          isFirst = false;
        });
    };
  });
}

function start(program: string, argv: readonly string[]): ChildProcessWithoutNullStreams {
  const env = { PATH: process.env["PATH"], HOME: "/nonexistent", BLOOM_API: daemon.url, TERM: "xterm" };
  const child = spawn(program, argv, { env: { ...env, BLOOM_HOME: "/nonexistent" } });
  // A command that ends early takes no more.
  child.stdin.on("error", () => undefined);
  started.push(child);
  return child;
}

const bloom = (...argv: string[]): ChildProcessWithoutNullStreams => start(process.execPath, [main, ...argv]);

async function end(child: ChildProcessWithoutNullStreams): Promise<{ code: number; stdout: string }> {
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return { code: code as number, stdout };
}

describe("bloom exec", () => {
  test("ends with the command, though nobody closes its standard input", async () => {
    void answer((line, say) => {
      if ("command" in line) setImmediate(() => say({ type: "exit", code: 5, signal: null }));
    });
    expect(await end(bloom("exec", "shop", "--", "true"))).toMatchObject({ code: 5 });
  });

  test("takes what is piped in", async () => {
    let size = 0;
    void answer((line, say) => {
      if (!("stdin" in line)) return;
      if (line.stdin === "") {
        const data = Buffer.from(String(size)).toString("base64");
        say({ type: "output", stream: "stdout", data });
        return say({ type: "exit", code: 0, signal: null });
      }
      size += Buffer.from(line.stdin, "base64").length;
    });
    const child = bloom("exec", "shop", "--", "wc", "-c");
    child.stdin.end("x".repeat(2_000_000));
    expect(await end(child)).toEqual({ code: 0, stdout: "2000000" });
  });

  test("passes the first Ctrl-C on; the second ends it, and with it the connection", async () => {
    let notice = (): void => undefined;
    const noticed = new Promise<void>((resolve) => (notice = resolve));
    const closed = answer((line) => {
      if ("signal" in line) notice();
    });
    const child = bloom("exec", "shop", "-v", "--", "sleep", "9");
    const ended = end(child);
    await once(child.stderr, "data");
    child.kill("SIGINT");
    await noticed;
    child.kill("SIGINT");
    expect((await ended).code).toBe(130);
    await closed;
  });

  test("on a terminal gives the command one: keys as they are typed, the size, the exit code", async () => {
    let order: ExecOrder | undefined;
    const typed: string[] = [];
    void answer((line, say) => {
      if ("command" in line) {
        order = line;
        // A prompt is shown when the terminal is the command's.
        const data = Buffer.from("$ ").toString("base64");
        setImmediate(() => say({ type: "output", stream: "stdout", data }));
      }
      if (!("stdin" in line)) return;
      typed.push(Buffer.from(line.stdin, "base64").toString());
      // What a terminal would have turned into a signal or an echo comes as it is.
      if (typed.join("") !== "a\u0003") return;
      // What the command's terminal writes reaches ours unchanged.
      say({ type: "output", stream: "stdout", data: Buffer.from("one\r\n\ttwo\n").toString("base64") });
      say({ type: "exit", code: 9, signal: null });
    });
    const command = `stty rows 33 cols 99; exec '${process.execPath}' '${main}' exec shop -- sh`;
    const child = start("script", ["-qec", command, "/dev/null"]);
    const ended = end(child);
    await once(child.stdout, "data");
    child.stdin.write("a\u0003");
    const { code, stdout } = await ended;
    expect([code, stdout]).toEqual([9, expect.stringContaining("one\r\n\ttwo\n")]);
    expect(order).toMatchObject({ env: { TERM: "xterm" }, tty: { rows: 33, cols: 99 } });
  });
});

test("bloom secret set reads its value from a pipe", async () => {
  daemon.answers.changeVariables = { body: { variables: [], deployment: null } };
  const child = bloom("secret", "set", "shop", "KEY");
  child.stdin.end("hunter2\n");
  expect((await end(child)).code).toBe(0);
  expect(daemon.calls[0]?.body).toMatchObject({ set: { KEY: "hunter2" }, sensitive: true });
});
