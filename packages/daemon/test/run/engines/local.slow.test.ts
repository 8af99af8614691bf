import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { describeExit } from "../../../src/run/describe-exit.js";
import { openVolumes } from "../../../src/run/volumes/open-volumes.js";
import { open as openNetwork, cleanUp as cleanUpNetwork } from "../network/real-network.js";
import {
  ask,
  cleanups,
  cleanUp,
  isRoot,
  openRealEngine,
  startInstance,
  startReady,
  uidBase,
  waitFor,
} from "./real-engine.js";

afterEach(async () => {
  await cleanUp();
  await cleanUpNetwork();
});

describe("what an app finds", () => {
  test("its tree read-only, /tmp and /run its own, names and tools", async () => {
    const { engine, makeWish } = await openRealEngine();
    const wish = await makeWish({
      additionalHosts: { "db.example": "192.0.2.7" },
      limits: { tmpBytes: 8 * 1_048_576 },
    });
    const app = await startReady(engine, wish);
    expect(await ask(app, "touch /app/x; touch /x; touch /usr/x")).toMatch(
      /^(.*Read-only file system\n){3}$/,
    );
    expect(await ask(app, "echo a > /run/own && echo b > /tmp/own && cat /run/own /tmp/own")).toBe("a\nb\n");
    expect(await ask(app, "cat /etc/hosts")).toBe(
      "127.0.0.1 localhost probe\n::1 localhost ip6-localhost ip6-loopback probe\n192.0.2.7 db.example\n",
    );
    expect(await ask(app, "jq .info.limits.memory /run/config.json")).toBe("512\n");
    expect(
      await ask(app, "echo eyJhIjoxfQ== | base64 -d | jq -c .; dash -c 'echo dash'; id -un; date +%Z; pwd"),
    ).toBe('{"a":1}\ndash\napp\nUTC\n/app\n');
  });

  test("a full /tmp is told to the app, which lives on", async () => {
    const { engine, makeWish } = await openRealEngine();
    const app = await startReady(engine, await makeWish({ limits: { tmpBytes: 8 * 1_048_576 } }));
    expect(await ask(app, "head -c 9M /dev/zero > /tmp/full")).toContain("No space left on device");
    expect(await ask(app, "stat -c %s /tmp/full")).toBe(`${8 * 1_048_576}\n`);
    expect(await ask(app, "rm /tmp/full && echo well")).toBe("well\n");
    expect(app.status.restarts).toBe(0);
  });

  test.runIf(isRoot)("even a /tmp larger than its memory fills before the app is killed", async () => {
    const { engine, makeWish } = await openRealEngine();
    const limits = { tmpBytes: 1024 ** 3, memoryBytes: 64 * 1_048_576 };
    const app = await startReady(engine, await makeWish({ limits }));
    expect(await ask(app, "head -c 200M /dev/zero > /tmp/full")).toContain("No space left on device");
    expect(await ask(app, "head -c 200M /dev/zero > /dev/shm/full")).toContain("No space left on device");
    expect(app.status.restarts).toBe(0);
  });

  test(".environment has the last word over what the release says", async () => {
    const { engine, env, makeWish } = await openRealEngine();
    env["COLOUR"] = "blue";
    const file = 'echo "told"\nexport COLOUR="dark $COLOUR"\nexport PATH="$PATH:/app/tools"\n';
    const wish = await makeWish({}, { ".environment": file, "tools/greet": "#!/bin/sh\necho hello\n" });
    const app = await startReady(engine, wish);
    expect(await ask(app, 'echo "$COLOUR"')).toBe("dark blue\n");
    expect((await app.readTail(5)).join("\n")).toContain("told");
  });

  test("a .environment that ends the shell keeps the app from starting, and says why", async () => {
    const { engine, makeWish } = await openRealEngine();
    const app = await startInstance(engine, await makeWish({}, { ".environment": "set -e\nfalse\n" }));
    const status = await waitFor(app, ({ last_exit }) => last_exit !== null);
    expect(describeExit(status.last_exit ?? neverExited())).toContain("exit code 1");
    expect((await app.readTail(5)).join("\n")).toContain(".environment ended with code 1");
  });
});

describe("mounts", () => {
  test("are writable over the read-only tree, kept, and scratch is not", async () => {
    const { engine, paths, makeWish } = await openRealEngine();
    const log = { warn: () => undefined };
    const volumes = await openVolumes({ root: paths.volumes, isRoot, uidBase, log });
    cleanups.push(() => volumes.unmountAll());
    const config = {
      ...(isRoot ? { diskMb: 32 } : {}),
      mounts: {
        data: { source: "local", sourcePath: "data" },
        "data/inner": { source: "local", sourcePath: "data/inner" },
        scratch: { source: "tmp", sourcePath: "scratch" },
        "scratch/inner": { source: "tmp", sourcePath: "inner" },
      },
    } as const;
    const files = { "data/built": "hidden", "scratch/": "" };
    const start = async () => {
      const wish = await makeWish(config, files);
      const order = { environmentId: "env-1", appSlot: wish.appSlot, replica: 0, config: wish.config };
      return startReady(engine, { ...wish, mounts: await volumes.prepare(order) });
    };
    const first = await start();
    expect(
      await ask(first, "ls data scratch; echo kept > data/file; echo in > data/inner/file; cat data/file"),
    ).toBe("data:\ninner\n\nscratch:\ninner\nkept\n");
    expect(await ask(first, "echo gone > scratch/inner/file; cat scratch/inner/file; touch here")).toMatch(
      /^gone\n.*Read-only file system/,
    );
    const second = await start();
    expect(await ask(second, "cat data/file data/inner/file; ls scratch/inner")).toBe("kept\nin\n");
    const folder = join(paths.instances, first.id);
    expect(await readdir(folder)).toContain("mounts");
    await first.stop(0);
    expect(await readdir(folder)).not.toContain("mounts");
    if (!isRoot) return;
    expect(await ask(second, "head -c 64M /dev/zero > data/full")).toContain("No space left on device");
    expect(await ask(second, "rm data/full; echo well")).toBe("well\n");
    await second.stop(0);
    const third = await start();
    expect(await ask(third, "cat data/file")).toBe("kept\n");
    await third.stop(0);
  });

  test("a mount that the artifact has no folder for is refused, and nothing is left running", async () => {
    const { engine, paths, makeWish } = await openRealEngine();
    const wish = await makeWish({}, { file: "" });
    for (const path of ["nowhere", "file"]) {
      const mounts = [{ path, source: null }];
      await expect(engine.start({ ...wish, mounts })).rejects.toMatchObject({
        code: "ERR_VOLUME_SETUP",
        message: expect.stringContaining(path) as string,
      });
    }
    expect(await engine.adopt(wish.id)).toBeUndefined();
    expect(await readdir(join(paths.instances, wish.id))).not.toContain("mounts");
  });

  test("is not gone when its engine closes: the next one finds it as it was", async () => {
    const { engine, reopen, makeWish } = await openRealEngine();
    const app = await startReady(engine, await makeWish());
    const { pid } = app.status;
    const gone = app.gone.then(() => "gone");
    await engine.close();
    expect(await Promise.race([gone, delay(500).then(() => "there")])).toBe("there");
    const found = await (await reopen()).adopt(app.id);
    expect(found?.status).toMatchObject({ state: "ready", pid });
    await found?.stop(1000);
  });

  test("can be ended by an engine that does not know it", async () => {
    const { engine, paths, reopen, makeWish } = await openRealEngine();
    const app = await startReady(engine, await makeWish());
    await engine.close();
    const later = await reopen();
    expect(await later.endStray(app.id)).toBe(true);
    expect(await readdir(join(paths.instances, app.id))).not.toContain("control.sock");
    expect(await later.endStray(app.id)).toBe(false);
    expect(await later.endStray("i-222222222222")).toBe(false);
  });
});

describe.runIf(isRoot)("limits", () => {
  test("a memory hog is killed, and the limit is said", async () => {
    const { engine, makeWish } = await openRealEngine();
    const app = await startReady(engine, await makeWish({ limits: { memoryBytes: 64 * 1_048_576 } }));
    await ask(app, "hog").catch(() => undefined);
    const status = await waitFor(app, ({ last_exit, state }) => last_exit !== null && state === "ready");
    expect(describeExit(status.last_exit ?? neverExited(), app.memoryBytes)).toMatch(
      /^killed: it used more than its 64 MB of memory, after/,
    );
    expect(await ask(app, "echo back")).toBe("back\n");
  });

  test("a fork bomb ends at the limit", async () => {
    const { engine, makeWish } = await openRealEngine();
    const app = await startReady(engine, await makeWish({ limits: { pids: 40 } }));
    const said = await ask(app, "for i in $(seq 100); do sleep 1 & done");
    expect(said).toMatch(/fork|Resource temporarily unavailable/i);
    const count = await ask(app, "echo /proc/[0-9]* | wc -w").catch(() => "0");
    expect(Number.parseInt(count, 10)).toBeLessThanOrEqual(45);
  });
});

describe("an app on a socket", () => {
  test("is told SOCKET and no PORT, and comes back after it left its socket behind", async () => {
    const { engine, makeWish } = await openRealEngine();
    const wish = await makeWish({
      web: { start: "exec perl server.pl", upstream: { socketFamily: "unix" } },
    });
    const app = await startReady(engine, wish);
    expect(app.address.kind).toBe("unix");
    expect(await ask(app, 'echo "$SOCKET|$PORT"; ls -A /run/bloomery')).toBe(
      "/run/bloomery/app.sock|\napp.sock\n",
    );
    await ask(app, "kill -9 $PPID").catch(() => undefined);
    const status = await waitFor(app, ({ restarts, state }) => restarts === 1 && state === "ready");
    expect(status.last_exit?.signal).toBe("SIGKILL");
    expect(await ask(app, "echo again")).toBe("again\n");
  });

  test.runIf(isRoot)("has a network of its own as root, and is still reached", async () => {
    const network = await openNetwork((await openRealEngine()).paths.root);
    const { engine, makeWish } = await openRealEngine(network);
    const wish = await makeWish({
      web: { start: "exec perl server.pl", upstream: { socketFamily: "unix" } },
    });
    const app = await startReady(engine, wish);
    expect(app.address).toMatchObject({ kind: "unix" });
    expect(
      await ask(app, "ls /sys/class/net 2>/dev/null; cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' '"),
    ).toBe("lo\neth0\n");
  });
});

test("files of an instance go with it, its logs stay", async () => {
  const { engine, paths, makeWish } = await openRealEngine();
  const app = await startReady(engine, await makeWish());
  const folder = join(paths.instances, app.id);
  expect((await stat(join(folder, "config.json"))).size).toBeGreaterThan(2);
  await mkdir(join(folder, "run/deep"));
  await writeFile(join(folder, "run/deep/file"), "");
  await app.stop(0);
  expect((await readdir(folder)).sort()).toEqual(["etc", "instance.json", "log", "state.json"]);
});

function neverExited(): never {
  throw new Error("it never ended");
}
