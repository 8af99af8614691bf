import { lstat, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Found, LookUp } from "./explain-route.js";
import type { RouteTarget } from "./plan-routes.js";

/** Looks at the release's files and at the mounts above them; as nginx does, links in mounts are not followed. */
export function openLookUp({ artifactDir, mounts }: Pick<RouteTarget, "artifactDir" | "mounts">): LookUp {
  const deepest = mounts.toSorted((a, b) => b.path.length - a.path.length);
  return async (path) => {
    const mount = deepest.find((one) => path === one.path || path.startsWith(`${one.path}/`));
    if (mount !== undefined) return lookWithoutLinks(mount.source, path.slice(mount.path.length));
    return artifactDir === null ? "nothing" : look(() => stat(join(artifactDir, path)));
  };
}

async function lookWithoutLinks(source: string, rest: string): Promise<Found> {
  let at = source;
  let found: Found = "folder";
  for (const step of rest.split("/").filter((part) => part !== "")) {
    at = join(at, step);
    found = await look(() => lstat(at));
    if (found === "nothing") return found;
  }
  return found;
}

function look(read: () => Promise<{ isFile(): boolean; isDirectory(): boolean }>): Promise<Found> {
  return read().then(
    (stats) => (stats.isFile() ? "file" : stats.isDirectory() ? "folder" : "nothing"),
    () => "nothing",
  );
}
