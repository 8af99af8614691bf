import {
  hasControlCharacters,
  isExclusive,
  type ManifestPath,
  type MountConfig,
  type Problem,
} from "@bloomery/contract";
import { normalizePath } from "./app-folder.js";
import { containerProperty } from "./container.js";
import { isBroken, manifestProblem, type ManifestFile } from "./manifest-file.js";
import type { ProjectParts } from "./parts.js";

interface Resolved {
  readonly mounts: Readonly<Record<string, MountConfig>>;
  readonly problems: readonly Problem[];
}

type Mounts = NonNullable<ProjectParts["toml"]["data"]["mounts"]>;

/** A mount and where it is written. */
interface Written {
  readonly manifest: ManifestFile<unknown>;
  readonly at: ManifestPath;
  /** Below the app, without slashes at its ends. */
  readonly folder: string;
  readonly mount: MountConfig;
}

const longest = 1000;

/** The mounts of both manifests; one of bloom.toml replaces that of the same folder. */
export function resolveMounts(parts: ProjectParts): Resolved {
  const { yaml, toml } = parts;
  const own = containerProperty(yaml, "mounts");
  const fromYaml = readMounts(yaml, own.path, own.value ?? {});
  const fromToml = readMounts(toml, ["mounts"], toml.data.mounts ?? {});
  const replaced = new Set(fromToml.mounts.map(({ folder }) => folder));
  const mounts = [...fromYaml.mounts.filter(({ folder }) => !replaced.has(folder)), ...fromToml.mounts];
  return {
    mounts: Object.fromEntries(mounts.map(({ folder, mount }) => [folder, mount])),
    problems: [
      ...fromYaml.problems,
      ...fromToml.problems,
      ...mounts.flatMap((mount) => checkOverlap(mount, mounts)),
      ...mounts.flatMap((mount) => checkSource(parts, mount)),
    ],
  };
}

/** The first mount that two versions must not write at the same time. */
export function findExclusiveMount(mounts: Readonly<Record<string, MountConfig>>): string | undefined {
  return Object.keys(mounts).find((folder) => {
    const mount = mounts[folder];
    return mount !== undefined && isExclusive(mount);
  });
}

function readMounts(
  manifest: ManifestFile<unknown>,
  path: ManifestPath,
  mounts: Mounts,
): { mounts: readonly Written[]; problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const byFolder = new Map<string, Written>();
  for (const [name, { source, source_path: sourcePath }] of Object.entries(mounts)) {
    const at = [...path, name];
    const refuse = (message: string, below: ManifestPath, where: "key" | "value"): void => {
      problems.push(manifestProblem(manifest, "error", below, message, where));
    };
    const folder = normalizePath(name);
    const why = folder === null || folder === "" ? "it must be a folder below the app" : whyNot(name);
    if (folder === null || why !== null) {
      refuse(`a mount cannot stand here: ${why ?? ""}; write a path such as "/uploads"`, at, "key");
      continue;
    }
    const first = byFolder.get(folder);
    if (first !== undefined) {
      const message = `this and "${String(first.at.at(-1))}" are the same folder; keep one of them`;
      refuse(message, at, "key");
      continue;
    }
    if (source === "service") {
      const message = `storage of a service is accepted and takes effect in a later release; until then ${folder} is not writable`;
      problems.push(manifestProblem(manifest, "warning", at, message, "key"));
      continue;
    }
    if (source === undefined) {
      if (isBroken(manifest, [...at, "source"])) continue;
      const write = manifest.source.format === "yaml" ? '"source: local"' : '`source = "local"`';
      refuse(`the source is missing; write ${write}`, at, "key");
      continue;
    }
    const within = sourcePath === undefined ? folder : normalizePath(sourcePath);
    const wrong = within === null ? "it leaves the volume" : whyNot(sourcePath ?? "");
    if (within === null || wrong !== null) {
      refuse(
        `the folder within the volume cannot be used: ${wrong ?? ""}; write a path such as "uploads"`,
        [...at, "source_path"],
        "value",
      );
      continue;
    }
    byFolder.set(folder, { manifest, at, folder, mount: { source, sourcePath: within } });
  }
  return { mounts: [...byFolder.values()], problems };
}

function whyNot(path: string): string | null {
  if (hasControlCharacters(path)) return "it has control characters";
  return path.length > longest ? `it has more than ${longest} characters` : null;
}

/** A mount inside of another is fine when both show the same folder there. */
function checkOverlap(inner: Written, mounts: readonly Written[]): Problem[] {
  return mounts.flatMap((outer) => {
    if (!inner.folder.startsWith(`${outer.folder}/`)) return [];
    const rest = inner.folder.slice(outer.folder.length + 1);
    const expected = normalizePath(`${outer.mount.sourcePath}/${rest}`);
    const isSame = kindOf(inner.mount) === kindOf(outer.mount) && inner.mount.sourcePath === expected;
    if (isSame) return [];
    const message = `the mount lies inside of "${outer.folder}", which shows something else there; move one of them, or leave this one out`;
    return [manifestProblem(inner.manifest, "error", inner.at, message, "key")];
  });
}

/** Two words for one thing. */
function kindOf({ source }: MountConfig): string {
  return source === "temporary" ? "tmp" : source;
}

/** What the source has at a mount's place is hidden by it. */
function checkSource({ folder: { list } }: ProjectParts, { manifest, at, folder }: Written): Problem[] {
  const paths = list();
  if (paths.includes(folder)) {
    const message = `"${folder}" is a file in the source, and a mount is a folder; choose another path`;
    return [manifestProblem(manifest, "error", at, message, "key")];
  }
  // A file that only keeps the folder in the repository is no loss.
  const hidden = paths.filter(
    (path) => path.startsWith(`${folder}/`) && !/(?:^|\/)\.git(?:keep|ignore)$/.test(path),
  );
  const [first] = hidden;
  if (first === undefined) return [];
  const more = hidden.length === 1 ? "" : ` and ${hidden.length - 1} more`;
  const message = `the mount hides what the source has there (${first}${more}); choose another path, or move those files`;
  return [manifestProblem(manifest, "warning", at, message, "key")];
}
