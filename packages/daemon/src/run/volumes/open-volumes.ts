import { chmod, mkdir, readdir, readFile, realpath, rename, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { BloomError, isPersistent, type AppConfig, type MountConfig } from "@bloomery/contract";
import { removeTree } from "../../build/remove-tree.js";
import type { PreparedMount } from "../engines/engine.js";
import { planAppUser } from "../plan-user.js";
import { runProgram } from "../run-program.js";
import {
  canMakeDisks,
  createImage,
  growImage,
  mountImage,
  readDiskBytes,
  readImageBytes,
  unmountImage,
} from "./disk-image.js";
import { makeFolder } from "./make-folder.js";
import {
  parseMountPoints,
  planDisk,
  planMountFolder,
  planVolumeBytes,
  planVolumePaths,
  type VolumePaths,
} from "./plan-volume.js";

export interface VolumeWish {
  readonly environmentId: string;
  readonly appSlot: number;
  readonly replica: number;
  readonly config: AppConfig;
  /** Told what the owner of the app should know. */
  readonly warn?: (text: string) => void;
}

/** What the mounts of all environments keep: one volume for each environment. */
export interface Volumes {
  /**
   * Makes the volume and the folders of all mounts ready; to be called before every start of an instance, because
   * a machine that was restarted has no mounts. Throws ERR_VOLUME_SETUP with the words of the tool that failed.
   */
  prepare(wish: VolumeWish): Promise<readonly PreparedMount[]>;
  /** Where a mount lies on the host; null for mounts that belong to one instance. */
  hostPathOf(environmentId: string, mount: MountConfig): string | null;
  /** Bytes that the environment's volume holds. */
  usage(environmentId: string): Promise<number>;
  /** Bytes that it can hold; null: as much as the machine's disk. */
  capacity(environmentId: string): Promise<number | null>;
  /** Takes the environment's data away; nothing of it may be running. Harmless when there is none. */
  remove(environmentId: string): Promise<void>;
  /** Unmounts every disk, when nothing is to be left of the platform but its files. */
  unmountAll(): Promise<void>;
  /** Waits for what is under way. Mounts stay, because instances go on. */
  close(): Promise<void>;
}

export async function openVolumes(options: {
  readonly root: string;
  readonly isRoot: boolean;
  readonly uidBase: number;
  readonly log: { warn(fields: object, text: string): void };
}): Promise<Volumes> {
  await mkdir(options.root, { recursive: true, mode: 0o711 });
  // The kernel's table of mounts knows no links.
  const root = await realpath(options.root);
  let canLoop: Promise<boolean> | undefined;

  const turns = new Map<string, Promise<unknown>>();
  const inTurn = <T>(environmentId: string, work: () => Promise<T>): Promise<T> => {
    const mine = (turns.get(environmentId) ?? Promise.resolve()).then(work);
    const tail = mine
      .catch(() => undefined)
      .then(() => {
        if (turns.get(environmentId) === tail) turns.delete(environmentId);
      });
    turns.set(environmentId, tail);
    return mine;
  };

  const prepareDisk = async (paths: VolumePaths, wish: VolumeWish, warn: (text: string) => void) => {
    await makePrivate(paths.root);
    await makePrivate(paths.data);
    const plan = planDisk({
      wantedBytes: planVolumeBytes(wish.config),
      imageBytes: options.isRoot ? await readImageBytes(paths.image) : null,
      canLoop: options.isRoot && (await (canLoop ??= canMakeDisks())),
    });
    switch (plan.kind) {
      case "plain":
        return;
      case "measured": {
        const used = await measure(paths.data);
        if (used > plan.limitBytes)
          warn(`the mounts hold ${formatMb(used)}, more than ${describeDisk(wish)}`);
        return;
      }
      case "create":
        await moveIntoImage(paths, plan.bytes, wish);
        break;
      case "keep":
      case "grow":
      case "refuse_shrink":
        break;
    }
    await mountImage(paths.image, paths.data);
    // Left when a move was cut off after its copy was complete.
    await removeTree(`${paths.data}.before`);
    if (plan.kind === "refuse_shrink") {
      warn(`a disk cannot become smaller: ${describeDisk(wish)} is not in effect, the volume keeps its size`);
    }
    if (plan.kind === "grow" && !(await growImage(paths.image, paths.data, plan.bytes))) {
      warn(`the volume is in use and becomes larger when the app is next started: ${describeDisk(wish)}`);
    }
  };

  return {
    prepare: (wish) =>
      inTurn(wish.environmentId, async () => {
        const warn = (text: string): void => {
          wish.warn?.(text);
          options.log.warn({ environment: wish.environmentId }, text);
        };
        const paths = planVolumePaths(root, wish.environmentId);
        const mounts = Object.entries(wish.config.mounts).sort(([a], [b]) => (a < b ? -1 : 1));
        if (mounts.some(([, mount]) => isPersistent(mount))) await prepareDisk(paths, wish, warn);
        const user = options.isRoot ? planAppUser(options.uidBase, wish.appSlot) : null;
        const prepared: PreparedMount[] = [];
        for (const [path, mount] of mounts) {
          const folder = planMountFolder(mount, wish.replica);
          prepared.push({
            path,
            source: folder === null ? null : await makeFolder(paths.data, folder, user),
          });
        }
        return prepared;
      }),

    hostPathOf(environmentId, mount) {
      const folder = mount.source === "instance" ? null : planMountFolder(mount, 0);
      return folder === null ? null : join(planVolumePaths(root, environmentId).data, ...folder);
    },

    async usage(environmentId) {
      const paths = planVolumePaths(root, environmentId);
      const isDisk = (await findMounts(root)).includes(paths.data);
      return isDisk ? (await readDiskBytes(paths.data)).used : measure(paths.data);
    },

    async capacity(environmentId) {
      const paths = planVolumePaths(root, environmentId);
      const isDisk = (await findMounts(root)).includes(paths.data);
      return isDisk ? (await readDiskBytes(paths.data)).total : null;
    },

    remove: (environmentId) =>
      inTurn(environmentId, async () => {
        const paths = planVolumePaths(root, environmentId);
        await unmountImage(paths.data, { lazy: true });
        await removeTree(paths.root);
      }),

    async unmountAll() {
      for (const folder of await findMounts(root)) {
        await unmountImage(folder, { lazy: false }).catch(async (error: unknown) => {
          options.log.warn({ error, folder }, "a volume is in use and goes when its last user does");
          await unmountImage(folder, { lazy: true });
        });
      }
    },

    async close() {
      await Promise.all(turns.values());
    },
  };
}

/** Makes the disk of a volume; what its plain folder held so far is copied in before it takes the folder's place. */
async function moveIntoImage(paths: VolumePaths, bytes: number, wish: VolumeWish): Promise<void> {
  const isEmpty = (await readdir(paths.data)).length === 0;
  const place = join(paths.root, "moving");
  await createImage(paths.image, bytes, async (image) => {
    if (isEmpty) return;
    await makePrivate(place);
    await mountImage(image, place);
    try {
      const copied = await runProgram("cp", ["-a", "--one-file-system", "--", `${paths.data}/.`, place], {
        purpose: "disks",
        limitMs: 30 * 60_000,
      });
      if (copied.failed) {
        throw new BloomError(
          "ERR_VOLUME_SETUP",
          `what the mounts hold could not be moved into ${describeDisk(wish)}: ${copied.words}`,
        );
      }
    } finally {
      await unmountImage(place, { lazy: true });
      await rmdir(place);
    }
  });
  if (isEmpty) return;
  const before = `${paths.data}.before`;
  await rm(before, { recursive: true, force: true });
  await rename(paths.data, before);
  await makePrivate(paths.data);
}

/** A folder that can be passed through but not listed. */
async function makePrivate(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { mode } = await stat(folder);
  if ((mode & 0o777) !== 0o711) await chmod(folder, 0o711);
}

async function findMounts(root: string): Promise<string[]> {
  return parseMountPoints(await readFile("/proc/self/mountinfo", "utf8"), root);
}

/** Bytes on the disk, as `du` counts them: without following links, on one file system. */
async function measure(folder: string): Promise<number> {
  const result = await runProgram("du", ["-sxB1", "--", folder], { purpose: "mounts", limitMs: 10 * 60_000 });
  return Number.parseInt(result.stdout, 10) || 0;
}

function describeDisk(wish: VolumeWish): string {
  return `disk: ${wish.config.diskMb ?? 0} MB`;
}

function formatMb(bytes: number): string {
  return `${Math.ceil(bytes / 1_000_000)} MB`;
}
