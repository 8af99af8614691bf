import { chownSync, mkdirSync, writeFileSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import { applyEtc } from "../../build/sandbox/apply-etc.js";
import { removeTree } from "../../build/remove-tree.js";
import { functionHostname } from "../plan-function-sandbox.js";
import { planInstanceFiles } from "../plan-instance-files.js";
import { appAccount } from "../plan-user.js";
import type { InstanceWish } from "./engine.js";

type User = { readonly uid: number; readonly gid: number } | null;

/**
 * Writes what an instance finds in its sandbox, and gives every mount a folder on the host. Throws
 * ERR_VOLUME_SETUP when the artifact has no place for a mount.
 */
export async function prepareFiles(
  dir: string,
  wish: InstanceWish,
  { user, hasEtc }: { readonly user: User; readonly hasEtc: boolean },
): Promise<readonly { readonly path: string; readonly source: string }[]> {
  const files = planInstanceFiles(dir);
  // At once: for something so small a turn of Node's threads takes longer, and somebody may wait.
  mkdirSync(files.log, { recursive: true, mode: 0o700 });
  const isFunction = wish.config.function !== null;
  if (!hasEtc) {
    applyEtc(files.etc, {
      account: appAccount,
      user,
      hostname: isFunction ? functionHostname : wish.appName,
      additionalHosts: wish.config.additionalHosts,
      isOffline: wish.config.network === "none",
    });
  }
  // Of all this a function sees no more.
  if (isFunction) return [];
  writeFileSync(files.runtimeDocument, wish.runtimeDocument, { mode: 0o644 });
  makeOwn(files.run, user);
  await assertMountPoints(wish);
  return prepareMounts(files.mounts, wish, user);
}

/** Takes away what ends with an instance; its logs stay. */
export async function removeFiles(dir: string): Promise<void> {
  const { run, mounts, runtimeDocument } = planInstanceFiles(dir);
  for (const path of [run, mounts, runtimeDocument]) await removeTree(path);
}

/** Mounts without a source get a folder of this instance; one within another such mount needs none of its own. */
function prepareMounts(folder: string, wish: InstanceWish, user: User): { path: string; source: string }[] {
  const prepared: { path: string; source: string }[] = [];
  const own: { path: string; source: string }[] = [];
  for (const { path, source } of wish.mounts.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    if (source !== null) {
      prepared.push({ path, source });
      continue;
    }
    const outer = own.find((one) => path.startsWith(`${one.path}/`));
    if (outer !== undefined) {
      makeOwn(join(outer.source, path.slice(outer.path.length + 1)), user);
      continue;
    }
    const made = { path, source: join(folder, String(own.length)) };
    makeOwn(made.source, user);
    own.push(made);
    prepared.push(made);
  }
  return prepared;
}

function makeOwn(path: string, user: User): void {
  const first = mkdirSync(path, { recursive: true, mode: 0o755 });
  if (user !== null && first !== undefined) chownSync(path, user.uid, user.gid);
}

/** Nothing can be made in an artifact any more: the folder that a mount covers has to be there. */
async function assertMountPoints(wish: InstanceWish): Promise<void> {
  for (const { path } of wish.mounts) {
    const within = wish.mounts.some((other) => path.startsWith(`${other.path}/`));
    const found = within ? undefined : await lstat(join(wish.artifactDir, path)).catch(() => null);
    if (found === undefined || found?.isDirectory() === true) continue;
    throw new BloomError(
      "ERR_VOLUME_SETUP",
      `the mount ${path} has no place: the build left ${found === null ? "no folder" : "something else than a folder"} there`,
      { hint: "Deploy again so that the app is built with its mounts." },
    );
  }
}
