import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { BloomError, findSourceProblem, resolveInTree, type SourceEntry } from "@bloomery/contract";
import { formatManifest, hashManifest } from "./source-manifest.js";
import { asTable, parseTable, type TomlTable } from "./toml-table.js";

/** One source tree, readable like a project folder. */
export interface SourceTree {
  readonly tree: string;
  readonly entries: readonly SourceEntry[];
  /** Paths of all entries. */
  list(): readonly string[];
  /** A file's text, through links; undefined when there is none or it is larger than 8 MiB. */
  read(path: string): string | undefined;
  /** Where a content lies on disk. */
  blobPath(sha256: string): string;
}

const maxTextBytes = 8 * 1024 * 1024;

/** The tree with this name and these entries. */
export function createTree(
  tree: string,
  entries: readonly SourceEntry[],
  blobPath: (sha256: string) => string,
): SourceTree {
  const files = new Map<string, { readonly sha256: string; readonly size: number }>();
  const links = new Map<string, string>();
  for (const entry of entries) {
    if (entry.kind === "file") files.set(entry.path, entry);
    else links.set(entry.path, entry.target);
  }
  return Object.freeze({
    tree,
    entries,
    list: () => entries.map((entry) => entry.path),
    read(path: string) {
      const file = files.get(resolveInTree(path, links) ?? "");
      if (file === undefined || file.size > maxTextBytes) return undefined;
      return readFileSync(blobPath(file.sha256), "utf8");
    },
    blobPath,
  });
}

/**
 * The part of a tree that becomes `/app`: all of it, or one folder. Its name is that of its own content, so that a
 * change elsewhere is no change. Throws ERR_MANIFEST_INVALID or ERR_SOURCE_UNSAFE for what needs the rest.
 */
export function openSubtree(tree: SourceTree, root: string): SourceTree {
  const subtree = pickSubtree(tree, root);
  if (root !== "") assertSelfContained(subtree, root);
  return subtree;
}

/** The same without a look at what it needs. */
export function pickSubtree(tree: SourceTree, root: string): SourceTree {
  if (root === "") return tree;
  const start = `${root}/`;
  const entries = tree.entries
    .filter(({ path }) => path.startsWith(start))
    .map((entry) => ({ ...entry, path: entry.path.slice(start.length) }));
  if (entries.length === 0) {
    throw new BloomError("ERR_MANIFEST_INVALID", `there is no folder "${root}" in the source`, {
      hint: "Write `source.root` from the repository's top.",
    });
  }
  const problem = findSourceProblem(entries);
  if (problem !== null) {
    throw new BloomError("ERR_SOURCE_UNSAFE", `${start}${problem.path} is refused: ${problem.reason}`, {
      where: { file: `${start}${problem.path}` },
      hint: `Only the folder "${root}" is part of this app; copy what it needs into it, or choose a folder above.`,
    });
  }
  return createTree(hashManifest(formatManifest(entries)), entries, tree.blobPath);
}

/** Files that say how an app is deployed; what builds see of them has its own part in the key. */
const manifestFiles = /^(?:\.platform\.app\.yaml|bloom\.toml|\.platform\/.*)$/;

/**
 * The name of what a build works on: of everything but the manifests, so that another start command, hook or rule is
 * deployed without a build.
 */
export function nameBuildSource(tree: SourceTree): string {
  return hashManifest(formatManifest(tree.entries.filter(({ path }) => !manifestFiles.test(path))));
}

/** Cargo looks upwards for workspaces and follows paths; neither leads anywhere from `/app`. */
function assertSelfContained(tree: SourceTree, root: string): void {
  const manifests = tree
    .list()
    .filter((path) => posix.basename(path) === "Cargo.toml")
    .map((path) => ({ path, manifest: parseTable(tree.read(path) ?? "") ?? {} }));
  const hasWorkspace = manifests.some(({ manifest }) => manifest["workspace"] !== undefined);
  for (const { path, manifest } of manifests) {
    const reason = findOutside(manifest, posix.dirname(path), hasWorkspace);
    if (reason === null) continue;
    throw new BloomError("ERR_MANIFEST_INVALID", `${root}/${path} ${reason}, which is not part of this app`, {
      where: { file: `${root}/${path}` },
      hint: "Let `source.root` be the folder of the whole workspace, and choose the package with `[build] package` in bloom.toml or `cargo build -p` in the build hook.",
    });
  }
}

function findOutside(manifest: TomlTable, folder: string, hasWorkspace: boolean): string | null {
  const leaves = (path: unknown): boolean =>
    typeof path === "string" && (path.startsWith("/") || /^\.\.(\/|$)/.test(posix.join(folder, path)));
  const crate = asTable(manifest["package"]);
  if (leaves(crate["workspace"])) return "belongs to a workspace above it";
  const owners = [manifest, ...Object.values(asTable(manifest["target"])).map(asTable)];
  const kinds = ["dependencies", "build-dependencies", "dev-dependencies"];
  const dependencies = [...owners, asTable(manifest["workspace"])]
    .flatMap((owner) => kinds.map((kind) => asTable(owner[kind])))
    .flatMap((table) => Object.entries(table));
  for (const [name, wish] of dependencies) {
    const { path, workspace } = asTable(wish);
    if (leaves(path)) return `takes ${name} from ${String(path)}`;
    if (workspace === true && !hasWorkspace) return `takes ${name} from its workspace`;
  }
  const inherited = Object.entries(crate).find(([, value]) => asTable(value)["workspace"] === true);
  return inherited !== undefined && !hasWorkspace ? `takes its ${inherited[0]} from its workspace` : null;
}
