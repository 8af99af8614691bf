import { parentFolders, resolveInTree } from "@bloomery/contract";

/** Something found in a work folder after a build. */
export interface OutputEntry {
  readonly path: string;
  readonly kind: "file" | "link" | "folder" | "socket" | "device" | "fifo";
  /** Permission bits. */
  readonly mode: number;
  /** A link's target, else null. */
  readonly target: string | null;
}

export interface CollectPlan {
  readonly files: readonly { readonly path: string; readonly executable: boolean }[];
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** Parents before children. */
  readonly folders: readonly string[];
  readonly warnings: readonly string[];
  /** What cannot be part of an artifact, in words; a non-empty list refuses the build. */
  readonly refused: readonly { readonly path: string; readonly reason: string }[];
}

/** In a profile folder of cargo's target folder: needed to build again, never to run. */
const intermediates = new Set(["deps", "build", "incremental", ".fingerprint", "examples"]);
const cargoFiles = new Set([".cargo-lock", ".cargo-build-lock", ".cargo-artifact-lock"]);
const cacheMarks = new Set(["CACHEDIR.TAG", ".rustc_info.json"]);

/**
 * Tells what of cargo's target folders stays out of an artifact; `below` is the path inside the target folder.
 * Both `debug/deps` and `x86_64-unknown-linux-musl/debug/deps` are intermediates; `debug/hello` is not.
 */
export function isCargoIntermediate(below: string): boolean {
  const names = below.split("/");
  if (names.length === 1) return cacheMarks.has(below) || below === "tmp";
  const name = names.at(-1) ?? "";
  if (names.length > 3) return false;
  if (intermediates.has(name)) return true;
  return cargoFiles.has(name) || name.endsWith(".d") || cacheMarks.has(name);
}

/**
 * Decides what becomes of each entry. Links stay when they lead to a place inside the tree (relative, or below
 * /app, where the artifact will be mounted); sockets are left behind, devices and fifos refused. Every mount gets an
 * empty folder, unless the build put something else in its way: whoever mounts it will say so.
 */
export function planCollect(
  entries: readonly OutputEntry[],
  mountPoints: readonly string[] = [],
): CollectPlan {
  const links = new Map<string, string>();
  for (const entry of entries) if (entry.target !== null) links.set(entry.path, entry.target);
  const plan = {
    files: [] as { path: string; executable: boolean }[],
    links: [] as { path: string; target: string }[],
    folders: new Set<string>(),
    warnings: [] as string[],
    refused: [] as { path: string; reason: string }[],
  };
  for (const entry of entries) {
    switch (entry.kind) {
      case "file":
        plan.files.push({ path: entry.path, executable: (entry.mode & 0o111) !== 0 });
        break;
      case "folder":
        plan.folders.add(entry.path);
        break;
      case "link":
        if (resolveInTree(entry.path, links, "/app") === null) {
          plan.refused.push({
            path: entry.path,
            reason: `a link to ${entry.target}, out of the app's folder`,
          });
        } else {
          plan.links.push({ path: entry.path, target: entry.target ?? "" });
        }
        break;
      case "socket":
        plan.warnings.push(`${entry.path} is a socket and was left out`);
        break;
      default:
        plan.refused.push({ path: entry.path, reason: `a ${entry.kind}` });
    }
  }
  for (const { path } of [...plan.files, ...plan.links]) {
    for (const folder of parentFolders(path)) plan.folders.add(folder);
  }
  const others = new Set([...plan.files, ...plan.links].map(({ path }) => path));
  for (const path of mountPoints) {
    const way = [...parentFolders(path), path];
    if (!way.some((one) => others.has(one))) for (const one of way) plan.folders.add(one);
  }
  return { ...plan, folders: [...plan.folders].sort() };
}

/** One line of the text whose sha256 names an artifact; lines are sorted by path. */
export function formatArtifactLine(
  entry:
    | { readonly kind: "file"; readonly path: string; readonly executable: boolean; readonly sha256: string }
    | { readonly kind: "link"; readonly path: string; readonly target: string }
    | { readonly kind: "folder"; readonly path: string },
): string {
  const path = JSON.stringify(entry.path);
  if (entry.kind === "file") return `${path} file ${entry.executable ? "x" : "-"} ${entry.sha256}`;
  return entry.kind === "link" ? `${path} link ${JSON.stringify(entry.target)}` : `${path} folder`;
}
