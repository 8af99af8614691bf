import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
  chown,
  lstat,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { buffer, json } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "vitest";
import type { ErrorDocument, MountView } from "@bloomery/contract";
import type { RunningCommand } from "../../src/run/engines/engine.js";
import { planAppUser } from "../../src/run/plan-user.js";
import { openVolumes } from "../../src/run/volumes/open-volumes.js";
import { beginRequest, openInsideBench, type InsideBench } from "./inside-bench.js";
import { cleanUp, cleanups, isRoot, openRealEngine, uidBase } from "../run/engines/real-engine.js";

afterEach(cleanUp);
const run = promisify(execFile);

interface Mounts {
  readonly bench: InsideBench;
  readonly env: string;
  readonly volumes: Awaited<ReturnType<typeof openVolumes>>;
  /** The folder behind the mount `uploads`, as the platform makes it. */
  readonly uploads: string;
  /** All that were run. */
  readonly tools: readonly RunningCommand[];
  readonly root: string;
  /** A tar made by the system's own tar. */
  tar(...args: string[]): Promise<Buffer>;
}

async function openMounts(diskMb: number | null = null): Promise<Mounts> {
  const { engine, paths } = await openRealEngine();
  const log = { warn: (fields: object, words: string) => console.error(words, fields) };
  const volumes = await openVolumes({ root: paths.volumes, isRoot, uidBase, log });
  const tools: RunningCommand[] = [];
  cleanups.push(() => volumes.unmountAll());
  const bench = await openInsideBench({
    config: {
      diskMb,
      mounts: {
        uploads: { source: "local", sourcePath: "uploads" },
        "var/cache": { source: "storage", sourcePath: "cache" },
        tmp: { source: "tmp", sourcePath: "tmp" },
      },
    },
    async runTool(wish) {
      const tool = await engine.runTool(wish);
      tools.push(tool);
      return tool;
    },
    volumes,
  });
  cleanups.push(() => bench.close());
  const root = await mkdtemp(join(tmpdir(), "bloom-mounts-"));
  cleanups.push(() => rm(root, { recursive: true, force: true }));
  const environment = (await bench.store.environments.list()).find((one) => one.name === "main");
  const env = environment?.id ?? "";
  const tar = async (...args: string[]): Promise<Buffer> => {
    const { stdout } = await run("tar", ["-c", ...args], { encoding: "buffer", maxBuffer: 1e9, cwd: root });
    return stdout;
  };
  const uploads = join(paths.volumes, env, "data/shared/uploads");
  return { bench, env, volumes, uploads, tools, root, tar };
}

async function upload(bench: InsideBench, body: Buffer, path = "uploads") {
  const at = `/mounts/content?path=${encodeURIComponent(path)}`;
  const { sent, answered } = beginRequest(bench, at, { method: "PUT", type: "application/x-tar" });
  sent.end(body);
  const answer = await answered;
  return { status: answer.statusCode, body: (await json(answer)) as { ok?: true; error?: ErrorDocument } };
}

async function download(bench: InsideBench, path = "uploads") {
  const { sent, answered } = beginRequest(bench, `/mounts/content?path=${encodeURIComponent(path)}`, {
    method: "GET",
  });
  sent.end();
  const answer = await answered;
  return { status: answer.statusCode, type: answer.headers["content-type"], body: await buffer(answer) };
}

async function list(bench: InsideBench, size: boolean): Promise<MountView[]> {
  const { sent, answered } = beginRequest(bench, `/mounts?size=${String(size)}`, {
    method: "GET",
    role: "viewer",
  });
  sent.end();
  return ((await json(await answered)) as { mounts: MountView[] }).mounts;
}

describe("mounts", () => {
  test("files go in and come out again, while nothing of the app runs", async () => {
    const { bench, uploads, root, tar } = await openMounts();
    await mkdir(join(root, "in/deep"), { recursive: true });
    await writeFile(join(root, "in/a.txt"), "a new text");
    await writeFile(join(root, "in/deep/ünï code.bin"), Buffer.alloc(2_000_000, 7));
    const first = await upload(bench, await tar("-C", "in", "."));
    expect(first).toEqual({ status: 200, body: { ok: true } });
    expect(await readFile(join(uploads, "a.txt"), "utf8")).toBe("a new text");
    const { uid } = await stat(join(uploads, "a.txt"));
    expect(uid).toBe(isRoot ? planAppUser(uidBase, await slotOf(bench)).uid : process.getuid?.());
    await writeFile(join(root, "in/b.txt"), "b");
    await rm(join(root, "in/a.txt"));
    await writeFile(join(root, "in/a.txt"), "changed");
    expect((await upload(bench, await tar("-C", "in", "a.txt", "b.txt"))).status).toBe(200);
    expect((await readdir(uploads)).toSorted()).toEqual(["a.txt", "b.txt", "deep"]);
    const { status, type, body } = await download(bench, "/uploads/");
    expect({ status, type }).toEqual({ status: 200, type: "application/x-tar" });
    await writeFile(join(root, "out.tar"), body);
    await mkdir(join(root, "out"));
    await run("tar", ["-xf", "out.tar", "-C", "out"], { cwd: root });
    expect(await readFile(join(root, "out/a.txt"), "utf8")).toBe("changed");
    expect((await stat(join(root, "out/deep/ünï code.bin"))).size).toBe(2_000_000);
    const [activity] = await bench.store.activities.list();
    expect(activity).toMatchObject({ type: "mount.upload", state: "succeeded", actor: "dora" });
  });

  test("lists the live version's mounts, with sizes when asked", async () => {
    const { bench, uploads, volumes, env } = await openMounts();
    expect((await list(bench, false)).map(({ path, usedBytes }) => [path, usedBytes])).toEqual([
      ["tmp", null],
      ["uploads", null],
      ["var/cache", null],
    ]);
    await list(bench, true);
    await writeFile(join(uploads, "one"), Buffer.alloc(12_345));
    await mkdir(join(uploads, "sub"));
    await writeFile(join(uploads, "sub/two"), "12345");
    await symlink("/usr", join(uploads, "link"));
    expect(await list(bench, true)).toMatchObject([
      { path: "tmp", source: "tmp", usedBytes: null, persistent: false },
      { path: "uploads", source: "local", usedBytes: 12_350, persistent: true, volumeBytes: null },
      { path: "var/cache", sourcePath: "cache", usedBytes: 0, persistent: true },
    ]);
    expect(await volumes.capacity(env)).toBeNull();
  });

  test("links that an app has planted lead out of its volume neither way", async () => {
    const { bench, uploads, root, tar } = await openMounts();
    await list(bench, true);
    const outside = join(root, "outside");
    await mkdir(outside);
    await writeFile(join(outside, "secret"), "not yours");
    const uid = (await stat(uploads)).uid;
    // The folder is one that the app could write to, if only it could be reached.
    await chown(outside, uid, uid);
    await symlink(outside, join(uploads, "folder"));
    await symlink(join(outside, "secret"), join(uploads, "file"));
    await mkdir(join(root, "in/folder"), { recursive: true });
    await writeFile(join(root, "in/folder/planted"), "x");
    await writeFile(join(root, "in/file"), "replaced");
    await upload(bench, await tar("-C", "in", "folder/planted", "file"));
    expect(await readdir(outside)).toEqual(["secret"]);
    expect(await readFile(join(outside, "secret"), "utf8")).toBe("not yours");
    expect((await lstat(join(uploads, "file"))).isFile()).toBe(true);
    await symlink(join(outside, "secret"), join(uploads, "again"));
    const { body } = await download(bench);
    expect(body.includes("not yours")).toBe(false);
    expect(body.length).toBeGreaterThan(512);
  });

  test("names with .. and absolute names stay inside, and devices are refused", async () => {
    const { bench, uploads, root, tar } = await openMounts();
    await list(bench, true);
    await mkdir(join(root, "in"));
    await writeFile(join(root, "in/x"), "x");
    const upwards = await upload(bench, await tar("-P", "--transform=s,^in/x,../../escaped,", "in/x"));
    expect(upwards).toMatchObject({ status: 400, body: { error: { code: "ERR_INVALID_ARGUMENT" } } });
    expect(upwards.body.error?.message).toContain("..");
    expect(await readdir(join(uploads, "../.."))).not.toContain("escaped");
    const name = join(tmpdir(), `bloom-escaped-${process.pid}`);
    await upload(bench, await tar("-P", `--transform=s,^in/x,${name},`, "in/x"));
    await expect(stat(name)).rejects.toMatchObject({ code: "ENOENT" });
    expect(await readFile(join(uploads, name), "utf8")).toBe("x");
    const device = await upload(bench, await tar("-C", "/dev", "null"));
    expect(device.status).toBe(400);
    expect(await readdir(uploads)).not.toContain("null");
  });

  test("what is no archive, or only a part of one, is refused with tar's words", async () => {
    const { bench, root, tar } = await openMounts();
    await writeFile(join(root, "x"), Buffer.alloc(100_000, 1));
    const whole = await tar("x");
    for (const body of [
      Buffer.from("no archive at all ".repeat(100)),
      whole.subarray(0, 50_000),
      Buffer.alloc(0),
    ]) {
      const { status, body: said } = await upload(bench, body);
      expect(status, String(body.length)).toBe(400);
      expect(said.error?.message).toMatch(/tar/);
    }
  });

  test("a volume that is full is said to be, and its size is told", async (context) => {
    const { bench, volumes, env, root, tar } = await openMounts(20);
    const [, uploads] = await list(bench, true);
    const capacity = await volumes.capacity(env);
    if (capacity === null) return context.skip("this machine cannot make disks");
    expect(uploads).toMatchObject({ path: "uploads", usedBytes: 0, volumeBytes: capacity });
    await writeFile(join(root, "large"), Buffer.alloc(30_000_000, 1));
    const { status, body } = await upload(bench, await tar("large"));
    expect({ status, code: body.error?.code }, body.error?.message).toEqual({
      status: 507,
      code: "ERR_DISK_FULL",
    });
  });

  test("a volume takes many small files, and too many are one short message", async (context) => {
    const { bench, volumes, env, root, tar } = await openMounts(20);
    await list(bench, true);
    if ((await volumes.capacity(env)) === null) return context.skip("this machine cannot make disks");
    const pack = async (folder: string): Promise<Buffer> => {
      await mkdir(join(root, folder));
      for (let at = 0; at < 2000; at++) await writeFile(join(root, folder, `${at}.txt`), "");
      return tar(folder);
    };
    expect(await upload(bench, await pack("one"))).toEqual({ status: 200, body: { ok: true } });
    const { status, body } = await upload(bench, await pack("two"));
    expect([status, body.error?.code]).toEqual([507, "ERR_DISK_FULL"]);
    expect(body.error?.message.split("\n")).toHaveLength(4);
    expect(body.error?.hint).toContain("`disk` in the manifest");
  });

  test("says which mounts there are, and which cannot be reached", async () => {
    const { bench } = await openMounts();
    expect((await upload(bench, Buffer.alloc(1024), "upload")).body.error).toMatchObject({
      ...{ code: "ERR_NOT_FOUND", hint: "Did you mean `uploads`?" },
    });
    const { status, body } = await download(bench, "tmp");
    expect(status).toBe(400);
    expect(JSON.parse(body.toString())).toMatchObject({ error: { code: "ERR_INVALID_ARGUMENT" } });
  });

  test("a client that breaks off ends the tool", async () => {
    const { bench, uploads, tools } = await openMounts();
    await list(bench, true);
    await writeFile(join(uploads, "large"), Buffer.alloc(50_000_000, 1));
    const { sent, answered } = beginRequest(bench, "/mounts/content?path=uploads", { method: "GET" });
    sent.end();
    const answer = await answered;
    answer.on("error", () => undefined).destroy();
    expect((await tools.at(-1)?.exit)?.code).toBeGreaterThan(128);
    const put = beginRequest(bench, "/mounts/content?path=uploads", {
      method: "PUT",
      type: "application/x-tar",
    });
    put.answered.catch(() => undefined);
    put.sent.on("error", () => undefined);
    put.sent.write(Buffer.alloc(512));
    const state = async () => (await bench.store.activities.list())[0]?.state;
    await expect.poll(state).toBe("running");
    put.sent.destroy();
    await expect.poll(state, { timeout: 10_000 }).toBe("failed");
    expect((await bench.store.activities.list())[0]?.error?.code).toBe("ERR_INTERRUPTED");
    expect((await tools.at(-1)?.exit)?.code).toBeGreaterThan(0);
    expect((await upload(bench, Buffer.alloc(1024))).status).toBe(200);
  });
});

async function slotOf(bench: InsideBench): Promise<number> {
  const [app] = await bench.store.apps.list({});
  return app?.slot ?? 0;
}
