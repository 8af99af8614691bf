import { readFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import type { InstanceWish } from "../../../src/run/engines/engine.js";
import { cgroupBases } from "../../../src/run/plan-cgroups.js";
import { functionConfig, makeFunction } from "./perl-function.js";
import { ask, cleanUp, isRoot, openRealEngine, startReady, waitFor, type RealEngine } from "./real-engine.js";

afterEach(cleanUp);

/** Processes of the instance that is still to come, by what they run. */
function waitingIn(real: RealEngine, id: string): Map<string, number> {
  const pids = cgroupBases(real.host.cgroups).flatMap((base) => {
    try {
      return readFileSync(join(base, id, "cgroup.procs"), "utf8")
        .split("\n")
        .filter(Boolean)
        .map(Number);
    } catch {
      return [];
    }
  });
  const named = pids.map((pid): [string, number] => {
    try {
      const [program = "", verb = ""] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return [program.includes("/proc/self/fd/") ? verb : program, pid];
    } catch {
      return ["", pid];
    }
  });
  return new Map(named);
}

/** An id for which a sandbox stands. */
async function nextStanding(real: RealEngine): Promise<string> {
  real.engine.keepShims();
  let id = "";
  await vi.waitUntil(() => (id = real.engine.nextId(functionConfig)) !== "" && waitingIn(real, id).size > 0, {
    timeout: 20_000,
    interval: 200,
  });
  await vi.waitUntil(() => waitingIn(real, id).has("begin"), { timeout: 20_000 });
  return id;
}

/** Everything that a sandbox is to its app, but for what is each instance's own. */
const looks = [
  "env | grep -v ^PWD | sort",
  "pwd; hostname; umask; id -u | tr 0-9 N; cat /etc/hosts /etc/resolv.conf /etc/nsswitch.conf",
  "cut -d' ' -f4-6 /proc/self/mountinfo | sed 's/[0-9a-f-]*artifacts.*app/APP/; s/etc-*[0-9]*//' | cut -d' ' -f2,3 | sort -u",
  "df -k /tmp /dev/shm /run | tr -s ' ' | cut -d' ' -f2,6",
  "ulimit -a; ulimit -Ha",
  "grep -E '^(Cap|NoNewPrivs|Seccomp|Groups)' /proc/self/status",
  "tail -n +3 /proc/net/dev | cut -d: -f1; cat /proc/1/comm",
  "touch /app/x 2>&1; touch /etc/x 2>&1; mkdir /x 2>&1; unshare -U true 2>&1; ls -ld /app /tmp /run | cut -c1-10",
];

/**
 * The same, where something of the question before may still be there: Perl has one descriptor more for a moment, on which
 * it hears whether the shell could be started, and a process that has ended goes a little later.
 */
const settling = ["ls /proc/$PPID/fd | tr '\\n' ' '", "ls /proc | grep -c '^[0-9]'"];

const limits = { memoryBytes: 96 * 1024 ** 2, pids: 77, tmpBytes: 3 * 1024 ** 2 };

test.runIf(isRoot)("a sandbox made ahead is to its function what one made at once is", async () => {
  const real = await openRealEngine();
  const users = await compare(real, await makeFunction(real, { limits }));
  expect(new Set(users).size).toBe(2);
});

test.runIf(isRoot)("and to an app that is reached by its socket alone", async () => {
  const real = await openRealEngine();
  const web = { start: "exec perl server.pl", upstream: { socketFamily: "unix" } } as const;
  const users = await compare(real, await real.makeWish({ network: "none", web, limits }));
  expect(new Set(users).size).toBe(2);
});

/** The users of two that are alike otherwise. */
async function compare(real: RealEngine, wish: InstanceWish): Promise<readonly string[]> {
  const plain = await startReady(real.engine, wish);
  const id = await nextStanding(real);
  const waiting = waitingIn(real, id).get("begin");
  const instance = await startReady(real.engine, { ...wish, id });
  expect(instance.status.warnings).toEqual([]);
  // It is the very process that waited.
  expect(instance.status.pid).toBe(waiting);
  for (const look of looks) expect(await ask(instance, look), look).toBe(await ask(plain, look));
  for (const look of settling)
    await vi.waitUntil(async () => (await ask(instance, look)) === (await ask(plain, look)));
  return [await ask(instance, "id -u"), await ask(plain, "id -u")];
}

test.runIf(isRoot)("after its end the function starts anew, as the same user", async () => {
  const real = await openRealEngine();
  const id = await nextStanding(real);
  const instance = await startReady(real.engine, { ...(await makeFunction(real)), id });
  const user = await ask(instance, "id -u; grep app /etc/passwd");
  await ask(instance, "exit");
  expect(await ask(instance, "id -u; grep app /etc/passwd")).toBe(user);
  await waitFor(instance, (status) => status.state === "ready" && status.restarts === 1);
  expect(instance.status.last_exit).toMatchObject({ code: 3 });
});

test.runIf(isRoot)("two that run at a time have different users, a later daemon's included", async () => {
  const real = await openRealEngine();
  const wish = await makeFunction(real);
  const first = await startReady(real.engine, { ...wish, id: await nextStanding(real) });
  const second = await startReady(real.engine, { ...wish, id: await nextStanding(real) });
  const later = await real.reopen();
  const adopted = await Promise.all([first.id, second.id].map((id) => later.adopt(id)));
  const third = await startReady(later, { ...wish, id: await nextStanding({ ...real, engine: later }) });
  const users = await Promise.all([first, second, third].map((one) => ask(one, "id -u")));
  expect(new Set(users).size).toBe(3);
  for (const one of adopted) await one?.stop(0);
});

test.runIf(isRoot)("one that has died meanwhile is not missed", async () => {
  const real = await openRealEngine();
  const id = await nextStanding(real);
  process.kill(waitingIn(real, id).get("begin") ?? Number.NaN, "SIGKILL");
  const instance = await startReady(real.engine, { ...(await makeFunction(real)), id });
  expect(await ask(instance, "printf here")).toBe("here");
  // None, where the shim was gone as well before it was needed.
  const others = instance.status.warnings.filter(
    (warning) => !warning.includes("the sandbox made ahead was not used: "),
  );
  expect(others).toEqual([]);
});

test.runIf(isRoot)("a function with another network, and an app, get a sandbox of their own", async () => {
  const real = await openRealEngine();
  const outside = await makeFunction(real, { network: "host" });
  const first = await startReady(real.engine, { ...outside, id: await nextStanding(real) });
  const app = await real.makeWish();
  const second = await startReady(real.engine, { ...app, id: await nextStanding(real) });
  for (const one of [first, second]) {
    expect(await ask(one, "printf here")).toBe("here");
    expect(one.status.warnings).toEqual([]);
  }
});

test.runIf(isRoot)(
  "a program that cannot be run is told in its log and counts as a failed start",
  async () => {
    const real = await openRealEngine();
    const wish = await makeFunction(real);
    await chmod(join(wish.artifactDir, "function"), 0o644);
    const instance = await real.engine.start({ ...wish, id: await nextStanding(real) });
    try {
      const status = await waitFor(instance, ({ last_exit }) => last_exit !== null);
      expect(status.last_exit).toMatchObject({ code: 125 });
      expect((await instance.readTail(20)).join("\n")).toContain("run /app/function: Permission denied");
    } finally {
      await instance.stop(0);
    }
  },
);
