import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Makes `to` a folder that looks like `from` with these files in it (path → text): all else are links, so that nothing
 * of the original is copied or changed. `to` must not be there.
 */
export async function layFolder(
  from: string,
  to: string,
  files: ReadonlyMap<string, string>,
  leaveOut: ReadonlySet<string> = new Set(),
): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const { name } = entry;
    if (leaveOut.has(name) || files.has(name)) continue;
    const below = new Map(
      [...files]
        .filter(([path]) => path.startsWith(`${name}/`))
        .map(([path, text]) => [path.slice(name.length + 1), text]),
    );
    if (below.size > 0) await layFolder(join(from, name), join(to, name), below);
    else await symlink(join(from, name), join(to, name));
  }
  for (const [path, text] of files) {
    if (!path.includes("/")) await writeFile(join(to, path), text);
  }
}
