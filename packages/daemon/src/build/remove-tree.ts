import { rm } from "node:fs/promises";
import { execa } from "execa";

/**
 * Removes whatever is at `path`, never following a link. Builds can leave trees too deep for a path name or
 * folders without permissions, which only the system's own `rm` walks; it comes second because it is slower.
 */
export async function removeTree(path: string | Buffer): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (typeof path !== "string") throw error;
    // -R does not follow links below the path; rm has proved that the path itself is a folder.
    await execa("chmod", ["-R", "u+rwX", "--", path], { reject: false });
    await execa("rm", ["-rf", "--one-file-system", "--", path]);
  }
}
