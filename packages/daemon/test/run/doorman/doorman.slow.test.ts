import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { once } from "node:events";
import { unlink } from "node:fs/promises";
import { connect } from "node:net";
import { expect, test, vi } from "vitest";
import { openDoorman } from "../../../src/run/doorman/doorman.js";
import { planDoorFolder, planDoorman } from "../../../src/run/doorman/plan-doorman.js";
import { makeHome, startEcho, visit } from "./real-doorman.js";

const never = () => new Promise<never>(() => undefined);

test("who knocks is led where the listener says, asked once, and is listed", async () => {
  const home = await makeHome();
  const doorman = await home.open();
  const app = await startEcho();
  const door = home.door("a");
  let lead: (target: typeof app) => void = () => undefined;
  const asked: string[] = [];
  doorman.onKnock((id) => {
    asked.push(id);
    return new Promise((resolve) => (lead = resolve));
  });
  await doorman.keep([door, home.door("b")]);
  const visitors = await Promise.all([visit(door), visit(door), visit(door)]);
  const waiting = async () => (await doorman.list()).map((one) => [one.door, one.waiting]);
  await vi.waitUntil(async () => (await waiting())[0]?.[1] === 3);
  expect(await waiting()).toEqual([
    ["a", 3],
    ["b", 0],
  ]);
  lead(app);
  await Promise.all(visitors.map(({ echo }) => echo("hello")));
  expect(asked).toEqual(["a"]);
  const [listed] = await doorman.list();
  expect(listed?.connections).toHaveLength(3);
  expect(listed?.connections[0]).toMatchObject({
    ...{ from_client: 5, from_app: 5, worker: process.pid },
    remote: `127.0.0.1:${app.port}`,
  });
  expect(home.warnings).toEqual([]);
});

test("without a door there is no doorman", async () => {
  const home = await makeHome();
  const doorman = await home.open();
  await doorman.keep([]);
  expect([home.processes(), await doorman.list()]).toEqual([[], []]);
});

test("a wake that fails sends those away who wait, and is said", async () => {
  const home = await makeHome();
  const doorman = await home.open();
  doorman.onKnock(() => Promise.reject(new Error("it does not start")));
  await doorman.keep([home.door("a")]);
  await (
    await visit(home.door("a"))
  ).ended;
  expect(home.warnings).toEqual(["who waits at a door was sent away"]);
});

test("a wake is told when nobody waits any more, and what it says then leads nobody", async () => {
  const home = await makeHome();
  const doorman = await home.open();
  const app = await startEcho();
  const signals: AbortSignal[] = [];
  const leads: ((target: typeof app) => void)[] = [];
  doorman.onKnock((_, signal) => {
    signals.push(signal);
    return new Promise((resolve) => leads.push(resolve));
  });
  await doorman.keep([home.door("a")]);
  const first = await visit(home.door("a"));
  await vi.waitUntil(() => signals.length === 1);
  first.socket.destroy();
  await vi.waitUntil(() => signals[0]?.aborted);
  const second = await visit(home.door("a"));
  await vi.waitUntil(() => signals.length === 2);
  leads[0]?.(app);
  expect((await doorman.list())[0]).toMatchObject({ waiting: 1, connections: [] });
  leads[1]?.(app);
  await second.echo("hello");
});

test("it goes on without a daemon, and the next one finds its doors, its guests and who knocked", async () => {
  const home = await makeHome();
  const app = await startEcho();
  const first = await home.open();
  first.onKnock(async () => app);
  const door = home.door("a");
  await first.keep([door]);
  const carried = await visit(door);
  await carried.echo("before");
  const [pid, { ino }] = [home.pid(), statSync(door.path)];
  await first.close();

  await carried.echo("meanwhile");
  const waiting = await visit(door);
  const second = await home.open();
  await second.keep([door]);
  expect([home.pid(), statSync(door.path).ino]).toEqual([pid, ino]);
  expect(home.processes()).toEqual([pid]);
  second.onKnock(async () => app);
  await waiting.echo("at last");
  await carried.echo("after");
  expect((await second.list())[0]?.connections).toHaveLength(2);
  // Whoever has let go says nothing any more.
  await first.keep([]);
  expect(existsSync(door.path)).toBe(true);
  expect(home.warnings).toEqual([]);
});

test("when it is killed another one opens the doors", async () => {
  const home = await makeHome();
  const app = await startEcho();
  const doorman = await home.open();
  doorman.onKnock(async () => app);
  const door = home.door("a");
  await doorman.keep([door]);
  const carried = await visit(door);
  await carried.echo("before");
  const pid = home.pid();
  process.kill(pid, "SIGKILL");
  await carried.ended;
  await vi.waitUntil(() => ![0, pid].includes(home.pid()), { timeout: 20_000 });
  await vi.waitUntil(async () => (await doorman.list()).length === 1, { timeout: 20_000 });
  await (await visit(door)).echo("after");
  expect(home.warnings).toEqual([expect.stringContaining("has ended, and what it carried with it")]);
});

test("a line that breaks while both live is made again, and nothing that is carried notices", async () => {
  const home = await makeHome();
  const app = await startEcho();
  const doorman = await home.open();
  doorman.onKnock(async () => app);
  await doorman.keep([home.door("a")]);
  const carried = await visit(home.door("a"));
  await carried.echo("before");
  const pid = home.pid();
  // Whoever comes later takes the daemon's place; the daemon may be back before a word was said to it.
  const other = connect(planDoorman(home.folder).socket).resume();
  await Promise.race([once(other, "data"), once(other, "close")]);
  other.destroy();
  await (await visit(home.door("a"))).echo("new");
  await carried.echo("after");
  await vi.waitUntil(async () => (await doorman.list())[0]?.connections.length === 2);
  expect([home.pid(), home.warnings]).toEqual([pid, []]);
});

test("one that does not answer any more makes way", async () => {
  const home = await makeHome();
  const first = await home.open();
  await first.keep([home.door("a")]);
  await first.close();
  const pid = home.pid();
  process.kill(pid, "SIGSTOP");
  const app = await startEcho();
  const second = await home.open({ answerLimitMs: 200 });
  second.onKnock(async () => app);
  await second.keep([home.door("a")]);
  expect(home.processes()).toEqual([home.pid()]);
  expect(home.pid()).not.toBe(pid);
  await (await visit(home.door("a"))).echo("hello");
});

test("a doorman of another version finishes what it carries, and nothing more", async () => {
  const home = await makeHome();
  const app = await startEcho();
  const door = home.door("a");
  const old = await home.open({ protocol: 0 });
  old.onKnock(async () => app);
  await old.keep([door]);
  const carried = await visit(door);
  await carried.echo("before");
  await old.close();
  const waiting = await visit(door);

  const doorman = await home.open();
  await waiting.ended;
  expect(existsSync(door.path)).toBe(false);
  doorman.onKnock(async () => app);
  await doorman.keep([door]);
  expect(home.pid(0)).not.toBe(home.pid());
  await carried.echo("after");
  await (await visit(door)).echo("new");
  const both = home.processes();
  expect(both).toHaveLength(2);
  // With its last guest it ends, and what it left is swept by the next daemon.
  carried.socket.destroy();
  await vi.waitUntil(() => home.processes().length === 1);
  await doorman.close();
  await home.open();
  expect(readdirSync(home.folder).sort()).toEqual(["1.json", "1.sock", "doors"]);
});

test("stop ends it with all it carries, older ones too, and leaves nothing", async () => {
  const home = await makeHome();
  const app = await startEcho();
  const door = home.door("a");
  const old = await home.open({ protocol: 0 });
  old.onKnock(async () => app);
  await old.keep([door]);
  const [first] = [await visit(door)];
  await first.echo("old");
  await old.close();
  const doorman = await home.open();
  doorman.onKnock(async () => app);
  await doorman.keep([door]);
  const second = await visit(door);
  await second.echo("new");
  await doorman.stop();
  await Promise.all([first.ended, second.ended]);
  expect(home.processes()).toEqual([]);
  expect(readdirSync(home.folder)).toEqual(["doors"]);
  expect(readdirSync(planDoorFolder(home.folder))).toEqual([]);
  await doorman.stop();
  expect(home.warnings).toEqual([]);
});

test("one that cannot begin is tried again, and nothing waits for it", async () => {
  const home = await makeHome();
  const doorman = await home.open({ shimPath: "/nonexistent/bloom-shim" });
  await doorman.keep([home.door("a")]);
  await vi.waitUntil(() => home.warnings.length > 1, { timeout: 20_000 });
  expect(new Set(home.warnings)).toEqual(new Set(["apps that sleep have no doorman"]));
  await doorman.stop();
});

test("a door that has no place is said, and the others are there", async () => {
  const home = await makeHome();
  const doorman = await home.open();
  doorman.onKnock(never);
  await doorman.keep([home.door("lost", { path: "/nonexistent/lost.sock" }), home.door("a")]);
  expect(home.warnings).toEqual(["a door could not be opened"]);
  await visit(home.door("a"));
});

test("as root it becomes nginx's user, has nothing of the daemon's, and doors are for that user alone", async () => {
  if (process.getuid?.() !== 0) return;
  const home = await makeHome();
  const owner = { uid: 1_999_999_902, gid: 1_999_999_902 };
  const doorman = await home.open({ owner });
  // What a dead one has left is gone before the first is opened.
  await doorman.keep([home.door("a"), home.door("b")]);
  process.kill(home.pid(), "SIGKILL");
  await doorman.close();
  const next = await openDoorman({
    ...{ shimPath: home.shimPath, folder: home.folder, owner },
    log: { warn: () => undefined },
  });
  await next.keep([home.door("a")]);
  expect(readdirSync(planDoorFolder(home.folder))).toEqual(["a.sock"]);
  const door = statSync(home.door("a").path);
  expect([door.uid, door.gid, door.mode & 0o777]).toEqual([owner.uid, owner.gid, 0o600]);
  const socket = statSync(planDoorman(home.folder).socket);
  expect([socket.uid, socket.mode & 0o777]).toEqual([0, 0o600]);
  expect(readFileSync(`/proc/${home.pid()}/environ`, "utf8")).toBe("");
  await next.stop();
});

test("a door that was taken away is put back with the next change", async () => {
  const home = await makeHome();
  const doorman = await home.open();
  const app = await startEcho();
  doorman.onKnock(async () => app);
  await doorman.keep([home.door("a")]);
  await unlink(home.door("a").path);
  await doorman.keep([home.door("a")]);
  const visitor = await visit(home.door("a"));
  visitor.socket.end("x");
  expect(String(await once(visitor.socket, "data"))).toBe("x");
});
