import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { json } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "vitest";
import type { ErrorDocument, ExecOutput } from "@bloomery/contract";
import { beginRequest, openInsideBench, type InsideBench } from "./inside-bench.js";

let bench: InsideBench | undefined;
afterEach(async () => {
  await bench?.close();
  bench = undefined;
});
const open = async (config = {}): Promise<InsideBench> => (bench = await openInsideBench({ config }));

type Line = ExecOutput | { readonly type?: undefined; readonly error: ErrorDocument };

const sh = (script: string): string => `${JSON.stringify({ command: ["/bin/sh", "-c", script] })}\n`;
const stdin = (text: string | Buffer): string =>
  `${JSON.stringify({ stdin: Buffer.from(text).toString("base64") })}\n`;

async function* readLines(answer: IncomingMessage): AsyncGenerator<Line> {
  for await (const line of createInterface({ input: answer })) yield JSON.parse(line) as Line;
}

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: ExecOutput | undefined;
  readonly error: ErrorDocument | undefined;
}

async function collect(answer: IncomingMessage): Promise<Outcome> {
  const out = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  let exit: ExecOutput | undefined;
  let error: ErrorDocument | undefined;
  for await (const line of readLines(answer)) {
    if (line.type === "output") out[line.stream].push(Buffer.from(line.data, "base64"));
    if (line.type === "exit") exit = line;
    if (line.type === undefined) error = line.error;
  }
  const textOf = (chunks: Buffer[]): string => Buffer.concat(chunks).toString();
  return { stdout: textOf(out.stdout), stderr: textOf(out.stderr), exit, error };
}

async function run(at: InsideBench, body: string): Promise<Outcome> {
  const { sent, answered } = beginRequest(at, "/exec");
  sent.end(body);
  return collect(await answered);
}

async function refusal(at: InsideBench, body: string, role = "developer", path = "/exec") {
  const { sent, answered } = beginRequest(at, path, { role });
  sent.end(body);
  const answer = await answered;
  const { error } = (await json(answer)) as { error: ErrorDocument };
  return { status: answer.statusCode, code: error.code, message: error.message, hint: error.hint };
}

describe("execInApp", () => {
  test("answers with the output, both streams, and the exit code", async () => {
    const at = await open();
    const outcome = await run(at, sh("cat; echo wrong >&2; exit 3") + stdin("given\n"));
    expect(outcome).toMatchObject({ stdout: "given\n", stderr: "wrong\n", exit: { code: 3, signal: null } });
    const killed = await run(at, sh("kill -TERM $$"));
    expect(killed.exit).toMatchObject({ code: 143, signal: "TERM" });
  });

  test("flows both ways at the same time, for as long as the client likes", async () => {
    const at = await open();
    const { sent, answered } = beginRequest(at, "/exec");
    sent.write(sh('while read -r line; do echo "got $line"; done; echo end'));
    const lines = readLines(await answered);
    expect((await lines.next()).value).toEqual({ type: "started", instance: "i-one" });
    for (const word of ["one", "two", "three"]) {
      sent.write(stdin(`${word}\n`));
      const { value } = await lines.next();
      expect(value).toEqual({ type: "output", stream: "stdout", data: btoa(`got ${word}\n`) });
    }
    sent.write(`${JSON.stringify({ stdin: "" })}\n`); // the body itself stays open
    const rest: Line[] = [];
    for await (const line of lines) rest.push(line);
    expect(rest.at(-1)).toMatchObject({ type: "exit", code: 0 });
    sent.destroy();
  });

  test("a body that ends is the end of the input, and binary data stays as it is", async () => {
    const at = await open();
    const bytes = Buffer.alloc(
      3_000_000,
      Uint8Array.from({ length: 251 }, (_, index) => index),
    );
    const { sent, answered } = beginRequest(at, "/exec");
    sent.write(sh("sha256sum"));
    for (let from = 0; from < bytes.length; from += 60_000)
      sent.write(stdin(bytes.subarray(from, from + 60_000)));
    sent.end();
    const { createHash } = await import("node:crypto");
    const expected = createHash("sha256").update(bytes).digest("hex");
    expect((await collect(await answered)).stdout).toBe(`${expected}  -\n`);
  });

  test("the whole answer arrives although the client goes on sending to a command that has ended", async () => {
    const at = await open();
    const { sent, answered } = beginRequest(at, "/exec");
    sent.setMaxListeners(0).on("error", () => undefined);
    sent.write(sh("head -c 5"));
    const chunk = stdin("x".repeat(30_000));
    let goesOn = true;
    const sending = (async () => {
      while (goesOn) if (!sent.write(chunk)) await Promise.race([once(sent, "drain"), once(sent, "close")]);
    })();
    expect(await collect(await answered)).toMatchObject({ stdout: "xxxxx", exit: { code: 0 } });
    goesOn = false;
    sent.destroy();
    await sending;
  });

  test("waits for a command that does not read, and for a client that does not", async () => {
    const at = await open();
    const { sent, answered } = beginRequest(at, "/exec");
    sent.write(sh("exec sleep 300"));
    const answer = await answered;
    await once(answer, "readable");
    const chunk = stdin(Buffer.alloc(60_000, "x"));
    // Ends only when the client is held up; a server that kept everything would take it all.
    let held = 0;
    while (sent.write(chunk) || sent.writableLength < 1_000_000) {
      held += chunk.length;
      if (held > 200_000_000) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(held).toBeLessThan(100_000_000);
    sent.destroy();

    const loud = beginRequest(at, "/exec");
    loud.sent.write(sh("exec yes"));
    const unread = await loud.answered;
    await once(unread, "readable");
    const yes = at.commands[1];
    if (yes === undefined) throw new Error("it was not run");
    const amounts: number[] = [];
    // Two looks with the same amount: the command is held up.
    while (amounts.length < 3 || amounts.at(-1) !== amounts.at(-3)) {
      amounts.push((yes.stdout as unknown as { bytesRead: number }).bytesRead);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(amounts.length).toBeLessThan(200);
    }
    expect(amounts.at(-1)).toBeLessThan(50_000_000);
    loud.sent.destroy();
    expect((await yes.exit).code).toBeGreaterThan(128);
  });

  test("a client that goes away ends the command", async () => {
    const at = await open();
    for (const script of [
      "echo up; exec sleep 300",
      "trap 'exit 0' HUP; echo up; while :; do sleep 0.05; done",
    ]) {
      const { sent, answered } = beginRequest(at, "/exec");
      sent.write(sh(script));
      const answer = await answered;
      const lines = readLines(answer);
      await lines.next();
      await lines.next();
      answer.on("error", () => undefined);
      sent.destroy();
      await at.commands.at(-1)?.exit;
    }
    const states = async (): Promise<string[]> =>
      (await at.store.activities.list()).map((activity) => activity.state);
    while ((await states()).includes("running")) await new Promise((resolve) => setImmediate(resolve));
    expect(await states()).toEqual(["cancelled", "cancelled"]);
  });

  test("passes signals on", async () => {
    const at = await open();
    const { sent, answered } = beginRequest(at, "/exec");
    sent.write(sh("trap 'echo caught; exit 9' INT; echo up; while :; do sleep 0.05; done"));
    const lines = readLines(await answered);
    await lines.next();
    await lines.next();
    sent.write(`${JSON.stringify({ signal: "INT" })}\n`);
    const rest: Line[] = [];
    for await (const line of lines) rest.push(line);
    expect(rest.at(-1)).toMatchObject({ type: "exit", code: 9 });
    sent.destroy();
  });

  test("a line that is not as it must be ends the command and is said last", async () => {
    const at = await open();
    const { sent, answered } = beginRequest(at, "/exec");
    sent.write(sh("exec sleep 300"));
    const answer = await answered;
    sent.write('{"stdout":"?"}\n');
    const outcome = await collect(answer);
    expect(outcome).toMatchObject({ exit: undefined, error: { code: "ERR_INVALID_ARGUMENT" } });
    expect((await at.commands[0]?.exit)?.signal).toBe("HUP");
    sent.destroy();
  });

  test("chooses a ready instance, or the one that is named", async () => {
    const at = await open();
    Object.assign(at.instances[0]?.status ?? {}, { state: "starting" });
    const named = { command: ["/bin/sh", "-c", "echo $COLOUR"], env: { COLOUR: "blue" } };
    const first = beginRequest(at, "/exec");
    first.sent.end(`${JSON.stringify(named)}\n`);
    expect((await readLines(await first.answered).next()).value).toMatchObject({ instance: "i-two" });
    const second = beginRequest(at, "/exec");
    second.sent.end(`${JSON.stringify({ ...named, instance: "i-one" })}\n`);
    expect((await readLines(await second.answered).next()).value).toMatchObject({ instance: "i-one" });
    expect(at.orders[0]).toEqual({ ...named, tty: null });
    expect(await refusal(at, `${JSON.stringify({ ...named, instance: "i-no" })}\n`)).toMatchObject({
      ...{ status: 404, code: "ERR_NOT_FOUND", hint: "It has i-one, i-two." },
    });
  });

  test("is recorded with the command, but with nothing that was typed or set", async () => {
    const at = await open();
    const order = { command: ["/bin/sh", "-c", "cat >/dev/null"], env: { KEY: "hidden-value" } };
    await run(at, `${JSON.stringify(order)}\n${stdin("hidden-input")}`);
    const [activity] = await at.store.activities.list();
    expect(activity).toMatchObject({
      type: "app.exec",
      state: "succeeded",
      actor: "dora",
      environment: "main",
    });
    expect(activity?.parameters).toMatchObject({ app: "shop", instance: "i-one", command: order.command });
    expect(JSON.stringify(activity)).not.toMatch(/hidden/);
    await run(at, sh("exit 4"));
    expect((await at.store.activities.list())[0]).toMatchObject({ state: "failed", error: null });
  });

  test("needs the role that the manifest's access.ssh names", async () => {
    const at = await open();
    expect(await refusal(at, sh("true"), "viewer")).toMatchObject({ status: 403, code: "ERR_FORBIDDEN" });
    await at.close();
    const strict = await open({ access: { ssh: "admin" } });
    expect(await refusal(strict, sh("true"))).toMatchObject({ status: 403 });
    expect(strict.commands).toEqual([]);
    await strict.close();
    const lenient = await open({ access: { ssh: "viewer" } });
    const { sent, answered } = beginRequest(lenient, "/exec", { role: "viewer" });
    sent.end(sh("echo seen"));
    expect(await collect(await answered)).toMatchObject({ stdout: "seen\n" });
  });

  test("says what is wrong with an order, and when nothing can be entered", async () => {
    const at = await open();
    for (const body of [
      "",
      "no json\n",
      '{"command":[]}\n',
      '{"command":["a"],"tty":{"rows":0,"cols":1}}\n',
    ]) {
      expect(await refusal(at, body)).toMatchObject({ status: 400, code: "ERR_INVALID_ARGUMENT" });
    }
    expect(await refusal(at, `"${"x".repeat(5_000_000)}"`)).toMatchObject({ code: "ERR_LIMIT_REACHED" });
    for (const { status } of at.instances) Object.assign(status, { state: "crashed", pid: null });
    expect(await refusal(at, sh("true"))).toMatchObject({ code: "ERR_INSTANCE_LOST" });
    const empty = beginRequest({ ...at, place: at.place.replace("main", "empty") }, "/exec");
    empty.sent.end(sh("true"));
    expect(await json(await empty.answered)).toMatchObject({ error: { code: "ERR_NOTHING_DEPLOYED" } });
  });
});
