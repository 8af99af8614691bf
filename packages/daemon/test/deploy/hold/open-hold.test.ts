import { once } from "node:events";
import { access, mkdtemp, rm, stat } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openHolds, holdPath } from "../../../src/deploy/hold/holds.js";
import { openHold, type Hold } from "../../../src/deploy/hold/open-hold.js";
import type { InstanceAddress } from "../../../src/run/engines/engine.js";

let folder: string;
let path: string;
let app: Server;
let target: InstanceAddress;
const holds: Hold[] = [];

/** An app that answers with what it was sent, when the client has ended its half. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bloom-hold-"));
  path = join(folder, "hold.sock");
  app = createServer({ allowHalfOpen: true }, (socket) => {
    const sent: Buffer[] = [];
    socket.on("data", (chunk) => sent.push(chunk));
    socket.once("end", () => socket.end(`got ${Buffer.concat(sent).toString()}`));
  });
  app.listen(0, "127.0.0.1");
  await once(app, "listening");
  target = { kind: "tcp", address: "127.0.0.1", port: (app.address() as AddressInfo).port };
});
afterEach(async () => {
  await Promise.all(holds.splice(0).map((hold) => hold.refuse()));
  app.close();
  await rm(folder, { recursive: true });
});

async function open(options: Partial<Parameters<typeof openHold>[0]> = {}): Promise<Hold> {
  const hold = await openHold({ path, owner: null, limitMs: 60_000, lingerMs: 50, ...options });
  holds.push(hold);
  return hold;
}

async function ask(message: string): Promise<{ socket: Socket; answer: Promise<string> }> {
  const socket = connect({ path, allowHalfOpen: true });
  await once(socket, "connect");
  socket.end(message);
  return { socket, answer: text(socket) };
}

async function waitFor(hold: Hold, count: number): Promise<void> {
  while (hold.waiting !== count) await new Promise((resolve) => setImmediate(resolve));
}

test("connections wait, then reach the app with everything they have sent", async () => {
  const hold = await open();
  const asked = await Promise.all([ask("one"), ask("two"), ask("x".repeat(3_000_000))]);
  await waitFor(hold, 3);
  const released = hold.release([target]);
  expect(await Promise.all(asked.map(({ answer }) => answer))).toEqual([
    "got one",
    "got two",
    `got ${"x".repeat(3_000_000)}`,
  ]);
  await released;
});

test("whoever knocks a moment after the end is led on, and then the socket is gone", async () => {
  const hold = await open({ lingerMs: 200 });
  const released = hold.release([target]);
  expect(await (await ask("late")).answer).toBe("got late");
  await released;
  await expect(access(path)).rejects.toMatchObject({ code: "ENOENT" });
});

test("several instances share those that waited", async () => {
  const other = createServer((socket) => socket.end("other"));
  other.listen(join(folder, "other.sock"));
  await once(other, "listening");
  const hold = await open();
  const asked = [await ask("one"), await ask("two")];
  await waitFor(hold, 2);
  void hold.release([target, { kind: "unix", path: join(folder, "other.sock") }]);
  const answers = await Promise.all(asked.map(({ answer }) => answer));
  expect(answers.toSorted()).toEqual(["got one", "other"]);
  other.close();
});

test("a refusal answers 503 with Retry-After", async () => {
  const hold = await open();
  const { answer } = await ask("GET / HTTP/1.1\r\n\r\n");
  await waitFor(hold, 1);
  await hold.refuse();
  expect(await answer).toMatch(/^HTTP\/1\.1 503 [^]*Retry-After: 10/);
});

test("one that waits too long is answered by name", async () => {
  const hold = await open({ limitMs: 20 });
  expect(await (await ask("slow")).answer).toContain("ERR_HOLD_EXCEEDED");
  expect(hold.waiting).toBe(0);
});

test("more than may wait are refused at once, the others go on waiting", async () => {
  const hold = await open({ maxWaiting: 1 });
  const first = await ask("first");
  await waitFor(hold, 1);
  expect(await (await ask("second")).answer).toContain("too many requests wait");
  void hold.release([target]);
  expect(await first.answer).toBe("got first");
});

test("an app that is not there ends the connection, so that nginx answers", async () => {
  const hold = await open();
  const { answer } = await ask("one");
  await waitFor(hold, 1);
  void hold.release([{ kind: "unix", path: join(folder, "none.sock") }]);
  expect(await answer.catch(() => "")).toBe("");
});

test("sockets of an earlier daemon are taken away, and a hold can follow another one at once", async () => {
  const stale = holdPath(folder, { slot: 3 });
  const server = createServer().listen(stale);
  await once(server, "listening");
  const all = await openHolds({ folder, owner: null });
  await expect(access(stale)).rejects.toMatchObject({ code: "ENOENT" });
  server.close();
  const first = await all.open({ slot: 3 }, 60_000);
  const ended = first.release([target]);
  const second = await all.open({ slot: 3 }, 60_000);
  await ended;
  expect((await stat(stale)).isSocket()).toBe(true);
  await second.refuse();
});
