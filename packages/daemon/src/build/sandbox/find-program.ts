import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** Daemons started by cron, su or a desktop often lack the folders where packages put their programs. */
export const systemFolders: readonly string[] = [
  ...["/usr/local/sbin", "/usr/sbin", "/sbin"],
  ...["/usr/local/bin", "/usr/bin", "/bin"],
];

/** The full path of a program in the folders of PATH, then in `more`; null when it is not installed. */
export async function findProgram(
  name: string,
  env: NodeJS.ProcessEnv,
  more: readonly string[] = systemFolders,
): Promise<string | null> {
  for (const folder of [...(env["PATH"] ?? "").split(delimiter), ...more]) {
    // A relative folder would mean whatever the daemon happens to stand in.
    if (!folder.startsWith("/")) continue;
    const path = join(folder, name);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return null;
}
