import { lstatSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Found } from "../route/explain-route.js";
import type { RouteTarget } from "../route/plan-routes.js";

/**
 * What nginx would find at a path below `/app`. In a mount it follows no link, because the app makes them; in an
 * artifact those that stay in it, and there are no others.
 */
export function lookUpFile(target: Pick<RouteTarget, "artifactDir" | "mounts">, path: string): Found {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  if (names.includes("..") || path.includes("\0")) return "nothing";
  const clean = names.join("/");
  const mount = target.mounts
    .filter((one) => clean === one.path || clean.startsWith(`${one.path}/`))
    .toSorted((a, b) => b.path.length - a.path.length)[0];
  if (mount !== undefined) return lookInMount(mount.source, names.slice(mount.path.split("/").length));
  return target.artifactDir === null ? "nothing" : lookInArtifact(target.artifactDir, clean);
}

function lookInMount(source: string, names: readonly string[]): Found {
  let place = source;
  let found = kindOf(() => lstatSync(place));
  for (const name of names) {
    if (found !== "folder") return "nothing";
    place = join(place, name);
    found = kindOf(() => lstatSync(place));
  }
  return found;
}

function lookInArtifact(artifactDir: string, path: string): Found {
  return kindOf(() => {
    const base = realpathSync(artifactDir);
    const place = realpathSync(join(base, path));
    if (place !== base && !place.startsWith(`${base}/`)) throw new Error("outside");
    return statSync(place);
  });
}

/** Links, sockets and what cannot be looked at are nothing that would be served. */
function kindOf(look: () => { isFile(): boolean; isDirectory(): boolean }): Found {
  try {
    const facts = look();
    return facts.isFile() ? "file" : facts.isDirectory() ? "folder" : "nothing";
  } catch {
    return "nothing";
  }
}
