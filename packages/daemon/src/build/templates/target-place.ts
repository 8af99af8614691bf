import { chown, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import type { BuildFolders } from "../build-folders.js";
import type { BuildUser } from "../build-user.js";
import type { TargetLayer } from "../plan-build-sandbox.js";
import { removeTree } from "../remove-tree.js";
import { planLayerFolders } from "./plan-template-folders.js";

/** Names the template that an app's layer lies on. */
const recordName = "layer.json";

/** The key of the template under an app's target folder; null when the folder is a plain one. */
export async function loadLayerKey(folders: BuildFolders): Promise<string | null> {
  try {
    const { template } = JSON.parse(await readFile(join(folders.targets, recordName), "utf8")) as {
      template?: unknown;
    };
    return typeof template === "string" && /^[0-9a-f]{64}$/.test(template) ? template : null;
  } catch {
    return null;
  }
}

/** True when the plain target folder holds something already. */
export async function hasPlainTarget(folders: BuildFolders): Promise<boolean> {
  const names = await readdir(join(folders.app, "target")).catch(() => []);
  return names.length > 0;
}

/** Makes the app's layer over a template, or finds the one of its last build; all others go. */
export async function openLayer(
  folders: BuildFolders,
  template: { readonly key: string; readonly target: string },
  user: BuildUser | null,
): Promise<TargetLayer> {
  if ((await loadLayerKey(folders)) !== template.key) await removeTree(folders.targets);
  const layer = planLayerFolders(folders.targets, template.key);
  for (const folder of [layer.upper, layer.work])
    await mkdir(folder, { recursive: true, mode: folder === layer.upper ? 0o755 : 0o700 });
  if (user !== null) await chown(layer.upper, user.uid, user.gid);
  const record = join(folders.targets, recordName);
  await writeFile(`${record}.new`, JSON.stringify({ template: template.key }), { mode: 0o600 });
  await rename(`${record}.new`, record);
  return { lower: template.target, upper: layer.upper, work: layer.work };
}

/** Where nothing can be laid over it: a copy of the template as the app's plain target folder. */
export async function copyTemplate(
  folders: BuildFolders,
  templateTarget: string,
  user: BuildUser | null,
): Promise<void> {
  await dropLayer(folders);
  const target = join(folders.app, "target");
  await removeTree(target);
  await execa("cp", ["-a", "--reflink=auto", "--", templateTarget, target]);
  if (user !== null) await execa("chown", ["-hR", `${user.uid}:${user.gid}`, "--", target]);
  await execa("chmod", ["-R", "u+rwX,go-w", "--", target]);
}

/** The app's target folder is a plain one from now on. */
export async function dropLayer(folders: BuildFolders): Promise<void> {
  await removeTree(folders.targets);
}
