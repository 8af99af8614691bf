import type { AppShape, BloomToml, PlatformApp, Problem, ShapeName } from "@bloomery/contract";
import type { AppFolder } from "./app-folder.js";
import type { CargoProject } from "./cargo-project.js";
import { findInis } from "./find-ini.js";
import { isBroken, type ManifestFile } from "./manifest-file.js";
import { type Place } from "./source.js";

/** The app's shape, and why, in words. Null when nothing says it. */
export interface Detected {
  readonly shape: ShapeName | null;
  readonly reason: string;
  readonly problems: readonly Problem[];
}

interface Clue {
  readonly shape: ShapeName;
  readonly reason: string;
  readonly file: string;
  readonly place: Place;
  readonly path: string;
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
    (wanted === undefined ? null : asWanted(wanted, cargo)) ??
    fromPlatformApp(yaml, toml) ??
    fromIni(files) ??
    fromSources(files, cargo) ??
    fromBinary(cargo, toml.data.build?.package) ??
    fromCommand(toml);
  if (clue === null)
    return { shape: null, reason: "", problems: cargo.isBroken ? [] : [unknown(files, cargo)] };
  const problems = isSupported(clue.shape) ? [] : [unsupported(clue)];
  return { shape: clue.shape, reason: clue.reason, problems };
}

function isSupported(shape: ShapeName): shape is AppShape {
  return shape !== "tcp";
}

function fromBloomToml({ file, data, source }: ManifestFile<BloomToml>): Clue | null {
  if (data.shape === undefined) {
    const shape = (["function", "prefork"] as const).find((name) => data[name] !== undefined);
    if (shape === undefined) return null;
    const place = source.places.find([shape], "key");
    return { shape, reason: `${file} has [${shape}]`, file, place, path: shape };
  }
  const place = source.places.find(["shape"], "value");
  return { shape: data.shape, reason: `${file} says shape = "${data.shape}"`, file, place, path: "shape" };
}

/** A function is one before its handler has the attribute; what it lacks is said when it is built. */
function asWanted(shape: "function", { file }: CargoProject): Clue {
  return { shape, reason: "it is meant to be one", file, place: top, path: "" };
}

function fromPlatformApp(yaml: ManifestFile<PlatformApp>, toml: ManifestFile<BloomToml>): Clue | null {
  if (!yaml.exists) return null;
  const more = toml.exists ? "; bloom.toml replaces it key by key" : "";
  const [app] = yaml.source.prefix;
  const reason = app === undefined ? `${yaml.file} is there` : `${yaml.file} describes it`;
  return { shape: "web", reason: `${reason}${more}`, file: yaml.file, place: top, path: "" };
}

/** Which one of several is meant is asked later. */
function fromIni(files: AppFolder): Clue | null {
  const found = findInis(files)[0];
  if (found === undefined) return null;
  const { file, line, place } = found;
  return { shape: "prefork", reason: `${file} has "${line}"`, file: files.inTree(file), place, path: "" };
}

/** Only the project's own crates: an example somewhere below says nothing about the project. */
function fromSources(files: AppFolder, { members }: CargoProject): Clue | null {
  const folders = ["src/", ...members.map(({ folder }) => `${folder}src/`)];
  const sources = files
    .list()
    .filter((path) => path.endsWith(".rs") && folders.some((folder) => path.startsWith(folder)));
  for (const file of sources.slice(0, mostSources)) {
    const lines = (files.read(file) ?? "").split("\n");
    const index = lines.findIndex((line) => /^\s*#\s*\[\s*ignite\s*::\s*main\b/.test(line));
    if (index < 0) continue;
    return {
      shape: "function",
      reason: `${file} has #[ignite::main]`,
      file: files.inTree(file),
      place: { line: index + 1, column: 1 },
      path: "",
    };
  }
  return null;
}

function fromBinary({ file, root, members }: CargoProject, wanted: string | undefined): Clue | null {
  const packages = [...(root === null ? [] : [root]), ...members];
  const chosen = packages.filter(({ name }) => name === wanted);
  const bin = [...chosen, ...packages].flatMap(({ bins }) => bins)[0];
  if (bin === undefined) return null;
  return {
    shape: "web",
    reason: `Cargo.toml has the binary ${bin}`,
    file,
    place: top,
    path: "",
  };
}

function fromCommand(toml: ManifestFile<BloomToml>): Clue | null {
  if (toml.data.run?.command === undefined) return null;
  return { shape: "web", reason: "bloom.toml has a [run] command", file: toml.file, place: top, path: "" };
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

function unsupported({ shape, reason, file, place, path }: Clue): Problem {
  return {
    severity: "error",
    file,
    ...place,
    path,
    message: `shape ${shape} is recognised (${reason}) and not supported by this release yet; if the app serves HTTP on PORT, write \`shape = "web"\` in bloom.toml`,
    code: "ERR_SHAPE_UNSUPPORTED",
  };
}
