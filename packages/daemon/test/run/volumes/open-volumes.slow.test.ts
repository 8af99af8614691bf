import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chown,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  statfs,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { completeConfig, type AppConfig, type MountConfig } from "@bloomery/contract";
import { execa } from "execa";
import { afterEach, describe, expect, test } from "vitest";
import { canMakeDisks } from "../../../src/run/volumes/disk-image.js";
import { openVolumes, type Volumes } from "../../../src/run/volumes/open-volumes.js";

const isRoot = process.getuid?.() === 0;
const hasDisks = isRoot && (await canMakeDisks());
const uidBase = 1_900_000_000;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  const left = await listLoops();
  if (left.length > 0) throw new Error(`loop devices were left behind: ${left.join(", ")}`);
});

/** Loop devices over files of these tests. */
async function listLoops(): Promise<string[]> {
  const { stdout } = await execa("losetup", ["--noheadings", "--output", "BACK-FILE"], { reject: false });
  return stdout.split("\n").filter((line) => line.includes("bloomery vol"));
}

async function makeVolumes(
  home?: string,
): Promise<{ readonly root: string; readonly volumes: Volumes; readonly warnings: string[] }> {
  const root = home ?? (await mkdtemp(join(tmpdir(), "bloomery vol-")));
  const warnings: string[] = [];
  const log = { warn: (_: object, text: string) => void warnings.push(text) };
  const volumes = await openVolumes({ root, isRoot, uidBase, log });
  if (home === undefined) cleanups.push(() => rm(root, { recursive: true, force: true }));
  cleanups.push(() => volumes.unmountAll());
  return { root, volumes, warnings };
}

function makeConfig(diskMb: number | null, mounts: Record<string, MountConfig> = {}): AppConfig {
  const all = { data: { source: "local", sourcePath: "data" } as const, ...mounts };
  return completeConfig({ web: { start: "x" }, diskMb, mounts: all });
}

const wish = (config: AppConfig, change: { environmentId?: string; replica?: number } = {}) => ({
  environmentId: "env-1",
  appSlot: 7,
  replica: 0,
  config,
  ...change,
});

async function totalBytes(folder: string): Promise<number> {
  const found = await statfs(folder);
  return found.blocks * found.bsize;
}

/** A process in mount and user namespaces of its own, which keep a copy of the machine's mounts. */
async function startOnlooker(folder?: string): Promise<ChildProcess> {
  const hold = folder === undefined ? "" : `cd '${folder}' && `;
  const child = spawn("unshare", ["--mount", "sh", "-c", `${hold}echo up; exec sleep 600`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  cleanups.push(() => stop(child));
  await once(child.stdout, "data");
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

describe("volumes without a limit", () => {
  test("keep a folder for each mount, and give none to those that end with the instance", async () => {
    const { volumes } = await makeVolumes();
    const config = makeConfig(null, {
      scratch: { source: "tmp", sourcePath: "scratch" },
      own: { source: "instance", sourcePath: "own" },
    });
    const [data, own, scratch] = await volumes.prepare(wish(config));
    expect([data?.path, own?.path, scratch]).toEqual(["data", "own", { path: "scratch", source: null }]);
    await writeFile(join(data?.source ?? "", "kept"), "x");
    const [again, other] = await volumes.prepare(wish(config, { replica: 1 }));
    expect(again).toEqual(data);
    expect(await readFile(join(again?.source ?? "", "kept"), "utf8")).toBe("x");
    expect(other?.source).not.toBe(own?.source);
    expect(volumes.hostPathOf("env-1", { source: "local", sourcePath: "data" })).toBe(data?.source);
    expect(volumes.hostPathOf("env-1", { source: "instance", sourcePath: "own" })).toBeNull();
    expect(volumes.hostPathOf("env-1", { source: "tmp", sourcePath: "x" })).toBeNull();
    if (isRoot) expect((await stat(data?.source ?? "")).uid).toBe(uidBase + 14);
  });

  test("environments are apart; what is removed is gone, twice", async () => {
    const { root, volumes } = await makeVolumes();
    const [one] = await volumes.prepare(wish(makeConfig(null)));
    const [two] = await volumes.prepare(wish(makeConfig(null), { environmentId: "env-2" }));
    expect(one?.source).not.toBe(two?.source);
    await volumes.remove("env-1");
    await volumes.remove("env-1");
    expect(await readdir(root)).toEqual(["env-2"]);
  });

  test("know how much they hold", async () => {
    const { volumes } = await makeVolumes();
    expect(await volumes.usage("nobody")).toBe(0);
    const [data] = await volumes.prepare(wish(makeConfig(null)));
    const before = await volumes.usage("env-1");
    await writeFile(join(data?.source ?? "", "big"), Buffer.alloc(3_000_000, 1));
    expect((await volumes.usage("env-1")) - before).toBeGreaterThanOrEqual(3_000_000);
    expect(await volumes.capacity("env-1")).toBeNull();
  });

  test("a link that the app planted on the way is refused, whichever version asks", async () => {
    const { volumes } = await makeVolumes();
    const whole = makeConfig(null, { data: { source: "local", sourcePath: "" } });
    const [all] = await volumes.prepare(wish(whole));
    await symlink("/etc", join(all?.source ?? "", "data"));
    await expect(volumes.prepare(wish(makeConfig(null)))).rejects.toMatchObject({
      code: "ERR_VOLUME_SETUP",
      message: expect.stringContaining("link") as string,
    });
  });

  test("many at once for one environment do not get in each other's way", async () => {
    const { volumes } = await makeVolumes();
    const all = await Promise.all(
      Array.from({ length: 8 }, (_, replica) => volumes.prepare(wish(makeConfig(null), { replica }))),
    );
    expect(new Set(all.map(([data]) => data?.source)).size).toBe(1);
    await volumes.close();
  });
});

describe.runIf(hasDisks)("volumes with a limit", () => {
  test("are disks of that size, which keep their content from mount to mount", async () => {
    const { root, volumes, warnings } = await makeVolumes();
    const [data] = await volumes.prepare(wish(makeConfig(64)));
    const folder = data?.source ?? "";
    const table = await readFile("/proc/self/mountinfo", "utf8");
    expect(table).toMatch(/vol-.*env-1\/data rw,nosuid,nodev/);
    expect(await totalBytes(folder)).toBeGreaterThan(50_000_000);
    expect(await totalBytes(folder)).toBeLessThanOrEqual(64_000_000);
    expect(await volumes.capacity("env-1")).toBe(await totalBytes(folder));
    await writeFile(join(folder, "kept"), "x");
    expect((await stat(join(root, "env-1/disk.img"))).blocks * 512).toBeLessThan(8_000_000);
    // As after the machine was restarted.
    await volumes.unmountAll();
    expect(await listLoops()).toEqual([]);
    const later = await makeVolumes(root);
    await later.volumes.prepare(wish(makeConfig(64)));
    expect(await readFile(join(folder, "kept"), "utf8")).toBe("x");
    expect(warnings).toEqual([]);
  });

  test("a full one says so to the app, and the machine's disk is untouched", async () => {
    const { volumes } = await makeVolumes();
    const [data] = await volumes.prepare(wish(makeConfig(32)));
    const file = await open(join(data?.source ?? "", "big"), "w");
    try {
      const fill = async (): Promise<void> => {
        for (let written = 0; written < 64; written++) await file.write(Buffer.alloc(1_000_000, 1));
      };
      await expect(fill()).rejects.toMatchObject({ code: "ENOSPC" });
    } finally {
      await file.close();
    }
    // The app goes on with what it has, and so do its next versions.
    const [again] = await volumes.prepare(wish(makeConfig(32)));
    expect(again).toEqual(data);
    await rm(join(data?.source ?? "", "big"));
    await writeFile(join(data?.source ?? "", "small"), "fits");
  });

  test("grow with their content, and never shrink", async () => {
    const { volumes, warnings } = await makeVolumes();
    const [data] = await volumes.prepare(wish(makeConfig(32)));
    const folder = data?.source ?? "";
    await writeFile(join(folder, "kept"), "x");
    const small = await totalBytes(folder);
    await volumes.prepare(wish(makeConfig(128)));
    expect(await totalBytes(folder)).toBeGreaterThan(small + 60_000_000);
    expect(await readFile(join(folder, "kept"), "utf8")).toBe("x");
    expect(warnings).toEqual([]);
    const large = await totalBytes(folder);
    await volumes.prepare(wish(makeConfig(32)));
    expect(await totalBytes(folder)).toBe(large);
    expect(warnings).toEqual([expect.stringContaining("cannot become smaller")]);
    await volumes.prepare(wish(makeConfig(null)));
    expect(await totalBytes(folder)).toBe(large);
  });

  test("grow in use where the kernel lets them, else at the next start", async () => {
    const { volumes, warnings } = await makeVolumes();
    const [data] = await volumes.prepare(wish(makeConfig(32)));
    const folder = data?.source ?? "";
    const user = await startOnlooker(folder);
    await volumes.prepare(wish(makeConfig(128)));
    if ((await totalBytes(folder)) > 100_000_000) {
      expect(warnings).toEqual([]);
      return;
    }
    expect(warnings).toEqual([expect.stringContaining("is in use")]);
    await stop(user);
    await volumes.prepare(wish(makeConfig(128)));
    expect(await totalBytes(folder)).toBeGreaterThan(100_000_000);
  });

  test("take over what a plain folder held, with its owners and links", async () => {
    const { root, volumes } = await makeVolumes();
    const [plain] = await volumes.prepare(wish(makeConfig(null)));
    const folder = plain?.source ?? "";
    await mkdir(join(folder, "deep"));
    await writeFile(join(folder, "deep/file"), "x", { mode: 0o640 });
    await chown(join(folder, "deep/file"), 1234, 1235);
    await symlink("/etc/hostname", join(folder, "link"));
    const [disk] = await volumes.prepare(wish(makeConfig(64)));
    expect(disk).toEqual(plain);
    expect(await totalBytes(folder)).toBeLessThan(64_000_000);
    expect(await stat(join(folder, "deep/file"))).toMatchObject({ uid: 1234, gid: 1235, size: 1 });
    expect((await readdir(folder)).sort()).toEqual(["deep", "link"]);
    expect((await readdir(join(root, "env-1"))).sort()).toEqual(["data", "disk.img"]);
  });

  test("what does not fit stays where it was", async () => {
    const { root, volumes } = await makeVolumes();
    const [plain] = await volumes.prepare(wish(makeConfig(null)));
    const file = join(plain?.source ?? "", "big");
    await writeFile(file, Buffer.alloc(40_000_000, 1));
    await expect(volumes.prepare(wish(makeConfig(16)))).rejects.toMatchObject({
      code: "ERR_VOLUME_SETUP",
      message: expect.stringContaining("No space left") as string,
    });
    expect((await stat(file)).size).toBe(40_000_000);
    expect(await readdir(join(root, "env-1"))).toEqual(["data"]);
    // A disk that is large enough takes it.
    await volumes.prepare(wish(makeConfig(128)));
    expect((await stat(file)).size).toBe(40_000_000);
    expect(await totalBytes(file)).toBeLessThan(128_000_000);
  });

  test("a damaged image is refused with what is wrong, and not written to", async () => {
    const { root, volumes } = await makeVolumes();
    await volumes.prepare(wish(makeConfig(32)));
    await volumes.unmountAll();
    const image = join(root, "env-1/disk.img");
    await writeFile(image, Buffer.alloc(65_536), { flag: "r+" });
    const before = await readFile(image);
    await expect(volumes.prepare(wish(makeConfig(32)))).rejects.toMatchObject({
      code: "ERR_VOLUME_SETUP",
      message: expect.stringContaining("no file system") as string,
    });
    expect((await readFile(image)).equals(before)).toBe(true);
    await truncate(image, 0);
    await expect(volumes.prepare(wish(makeConfig(32)))).rejects.toMatchObject({ code: "ERR_VOLUME_SETUP" });
  });

  test("are let go of although other sandboxes have copies of the machine's mounts", async () => {
    const { root, volumes } = await makeVolumes();
    await volumes.prepare(wish(makeConfig(32)));
    await volumes.prepare(wish(makeConfig(32), { environmentId: "env-2" }));
    await startOnlooker();
    await volumes.remove("env-1");
    expect(await listLoops()).toHaveLength(1);
    await volumes.unmountAll();
    expect(await listLoops()).toEqual([]);
    expect(await readdir(root)).toEqual(["env-2"]);
  });
});
