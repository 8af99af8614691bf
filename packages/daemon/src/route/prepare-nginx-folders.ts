import { chmod, chown, mkdir } from "node:fs/promises";
import type { NginxPaths } from "./nginx-paths.js";

/** Makes the folders nginx writes to, as the user it runs as, and the one only its shim may enter. */
export async function prepareNginxFolders(
  paths: NginxPaths,
  user: { readonly uid: number; readonly gid: number } | null,
): Promise<void> {
  await mkdir(paths.prefix, { recursive: true });
  await chmod(paths.prefix, 0o711);
  await mkdir(paths.shim, { recursive: true, mode: 0o700 });
  for (const folder of [paths.run, paths.temp, paths.logs, paths.tls]) {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o700);
    if (user !== null) await chown(folder, user.uid, user.gid);
  }
}
