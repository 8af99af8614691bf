import type { AppShape, BloomToml, PlatformApp, Problem } from "@bloomery/contract";
import type { AppFolder } from "./app-folder.js";
import type { CargoPackage, CargoProject } from "./cargo-project.js";
import { findInis } from "./find-ini.js";
import { findListener } from "./find-listener.js";
import { isBroken, isWritten, type ManifestFile } from "./manifest-file.js";
import type { Place } from "./source.js";

/** The app's shape, and why, in words. Null when nothing says it. */
export interface Detected {
  readonly shape: AppShape | null;
  readonly reason: string;
  readonly problems: readonly Problem[];
}

interface Clue {
  readonly shape: AppShape;
  readonly reason: string;
}

const top: Place = { line: 1, column: 1 };
const mostSources = 300;

/** Asks bloom.toml, .platform.app.yaml, ini files, sources and Cargo.toml, in this order. */
export function detectShape(
  files: AppFolder,
  toml: ManifestFile<BloomToml>,
  yaml: ManifestFile<PlatformApp>,
  cargo: CargoProject,
  wanted?: "function",
): Detected {
  // What a broken file would have said is unknown; its own problem is enough.
  if (isBroken(toml, ["shape"])) return { shape: null, reason: "", problems: [] };
  const clue =
    fromBloomToml(toml) ??
    (wanted === undefined ? null : asWanted(wanted)) ??
    fromPlatformApp(yaml, toml) ??
    fromIni(files) ??
    fromSources(files, cargo) ??
    fromListener(files, cargo) ??
    fromBinary(cargo, toml.data.build?.package) ??
    fromCommand(toml);
  if (clue === null)
    return { shape: null, reason: "", problems: cargo.isBroken ? [] : [unknown(files, cargo)] };
  return { ...clue, problems: [] };
}

function fromBloomToml(toml: ManifestFile<BloomToml>): Clue | null {
  const { file, data } = toml;
  if (data.shape !== undefined) return { shape: data.shape, reason: `${file} says shape = "${data.shape}"` };
  // Of a list with one mistake nothing is left.
  const shape = (["function", "prefork", "tcp"] as const).find((name) => isWritten(toml, [name]));
  if (shape === undefined) return null;
  return { shape, reason: `${file} has ${shape === "tcp" ? "[[tcp]]" : `[${shape}]`}` };
}

/** A function is one before its handler has the attribute; what it lacks is said when it is built. */
function asWanted(shape: "function"): Clue {
  return { shape, reason: "it is meant to be one" };
}

function fromPlatformApp(yaml: ManifestFile<PlatformApp>, toml: ManifestFile<BloomToml>): Clue | null {
  if (!yaml.exists) return null;
  const more = toml.exists ? "; bloom.toml replaces it key by key" : "";
  const [app] = yaml.source.prefix;
  const reason = app === undefined ? `${yaml.file} is there` : `${yaml.file} describes it`;
  return { shape: "web", reason: `${reason}${more}` };
}

/** Which one of several is meant is asked later. */
function fromIni(files: AppFolder): Clue | null {
  const found = findInis(files)[0];
  return found === undefined ? null : { shape: "prefork", reason: `${found.file} has "${found.line}"` };
}

/** Only the project's own crates: an example somewhere below says nothing about the project. */
function fromSources(files: AppFolder, { members }: CargoProject): Clue | null {
  const folders = ["src/", ...members.map(({ folder }) => `${folder}src/`)];
  const sources = files
    .list()
    .filter((path) => path.endsWith(".rs") && folders.some((folder) => path.startsWith(folder)));
  const file = sources
    .slice(0, mostSources)
    .find((path) => /^[ \t]*#\s*\[\s*ignite\s*::\s*main\b/m.test(files.read(path) ?? ""));
  return file === undefined ? null : { shape: "function", reason: `${file} has #[ignite::main]` };
}

/** Libraries may listen as well, for others; only what can be started is an app. */
function fromListener(files: AppFolder, cargo: CargoProject): Clue | null {
  if (listPackages(cargo).every(({ bins }) => bins.length === 0)) return null;
  const found = findListener(files, cargo);
  if (found === null) return null;
  const where = found.address === null ? "for TCP connections" : `on ${found.address}`;
  return { shape: "tcp", reason: `${found.file} listens ${where} and speaks no HTTP` };
}

function fromBinary(cargo: CargoProject, wanted: string | undefined): Clue | null {
  const packages = listPackages(cargo);
  const chosen = packages.filter(({ name }) => name === wanted);
  const bin = [...chosen, ...packages].flatMap(({ bins }) => bins)[0];
  return bin === undefined ? null : { shape: "web", reason: `Cargo.toml has the binary ${bin}` };
}

function fromCommand(toml: ManifestFile<BloomToml>): Clue | null {
  if (toml.data.run?.command === undefined) return null;
  return { shape: "web", reason: "bloom.toml has a [run] command" };
}

function listPackages({ root, members }: CargoProject): readonly CargoPackage[] {
  return [...(root === null ? [] : [root]), ...members];
}

function unknown({ root }: AppFolder, cargo: CargoProject): Problem {
  return {
    severity: "error",
    file: cargo.exists ? cargo.file : root === "" ? "." : root,
    ...top,
    path: "",
    message: cargo.exists
      ? "no binary is found, so there is nothing to start; add src/main.rs, or a manifest with a start command"
      : "nothing here says what kind of app this is; add a Cargo.toml with a binary, a .platform.app.yaml or a bloom.toml",
    code: "ERR_SHAPE_UNKNOWN",
  };
}
