import {
  bloomTomlSchema,
  BloomError,
  formatProblem,
  type AppConfig,
  type AppShape,
  type BloomToml,
  type PlatformApp,
  type Problem,
} from "@bloomery/contract";
import { folderOf, joinPath, openAppFolder } from "./app-folder.js";
import { loadCargoProject } from "./cargo-project.js";
import { chooseApp } from "./choose-app.js";
import { detectShape, type Detected } from "./detect-shape.js";
import { freezeDeep } from "./freeze.js";
import { appFileName, applicationsFile, listApps, type AppEntry } from "./list-apps.js";
import { listOverlooked, type Chosen } from "./list-overlooked.js";
import { loadPlatformApp } from "./load-platform-app.js";
import { loadManifest, manifestProblem, missingManifest, type ManifestFile } from "./manifest-file.js";
import { parseToml } from "./parse-toml.js";
import type { LoadConfigOptions, ProjectParts } from "./parts.js";
import type { ProjectFiles } from "./project-files.js";
import { resolveConfig, type ResolvedConfig } from "./resolve-config.js";
import { resolveFunctionApp } from "./resolve-function-app.js";
import { resolvePreforkApp } from "./resolve-prefork-app.js";
import { resolveSourceRoot } from "./resolve-source-root.js";
import { resolveTcpApp } from "./resolve-tcp-app.js";
import { loadToolchainFile } from "./toolchain-file.js";

/** The config, null when there are errors, and every remark about the project's files, sorted by place. */
export interface LoadedConfig {
  readonly config: AppConfig | null;
  readonly problems: readonly Problem[];
}

/**
 * Reads what the user wrote and makes the frozen config of one app of it. Collects the problems of all files instead
 * of stopping at the first; never throws because of a file's content.
 */
export function loadConfig(files: ProjectFiles, options: LoadConfigOptions = {}): LoadedConfig {
  const listed = listApps(files);
  const chosen = chooseApp(listed.apps, options);
  const unclear = [...listed.problems, ...chosen.problems];
  if (unclear.length > 0) return finish(null, [...unclear, ...listOverlooked(files, listed, null)]);
  const { parts, problems: misplaced } = loadParts(files, chosen.app);
  const { toml, yaml, cargo, toolchainFile } = parts;
  const detected = detectShape(parts.folder, toml, yaml, cargo, options.shape);
  const overlooked = listOverlooked(files, listed, isUnknown(detected) ? null : describeChosen(parts));
  if (isUnknown(detected) && overlooked.length > 0) return finish(null, overlooked.map(asReason));
  const resolved = resolveShape(parts, detected, options);
  const problems = [toml, yaml, cargo, toolchainFile, detected, resolved].flatMap((part) => part.problems);
  problems.push(...checkWanted(parts, listed.apps, options.manifestApp));
  return finish(resolved.config, [...misplaced, ...overlooked, ...problems]);
}

/**
 * The error that a deploy ends with when `loadConfig` gave no config. `details.problems` has all errors; the code is
 * that of the problem when it is the only one and has one of its own, else ERR_MANIFEST_INVALID.
 */
export function toConfigError(problems: readonly Problem[]): BloomError {
  const errors = problems.filter(({ severity }) => severity === "error");
  const [first] = errors;
  const code = errors.length === 1 && first?.code !== undefined ? first.code : "ERR_MANIFEST_INVALID";
  return new BloomError(code, errors.map(formatProblem).join("\n"), { details: { problems: errors } });
}

function finish(config: AppConfig | null, problems: readonly Problem[]): LoadedConfig {
  const hasErrors = problems.some(({ severity }) => severity === "error");
  return freezeDeep({ config: hasErrors ? null : config, problems: problems.toSorted(byPlace) });
}

const resolvers: Readonly<Record<AppShape, typeof resolveConfig>> = {
  web: resolveConfig,
  function: resolveFunctionApp,
  prefork: resolvePreforkApp,
  tcp: resolveTcpApp,
};

function resolveShape(parts: ProjectParts, detected: Detected, options: LoadConfigOptions): ResolvedConfig {
  const { shape, reason } = detected;
  return shape === null ? { config: null, problems: [] } : resolvers[shape](parts, reason, options);
}

/** The only app is not looked for by its name, so here it is seen that another was meant. */
function checkWanted(
  { yaml, toml }: ProjectParts,
  apps: readonly AppEntry[],
  wanted: string | undefined,
): readonly Problem[] {
  const { name } = yaml.data;
  if (wanted === undefined || name === undefined || apps.length > 1) return [];
  if ([name, toml.data.name].includes(wanted)) return [];
  const message = `the project has no app "${wanted}", only "${name}"; type \`--app-name ${name}\`, or leave it out`;
  return [manifestProblem(yaml, "error", ["name"], message)];
}

/** Nothing was found: what was nearly found is then the reason. */
function isUnknown({ problems }: Detected): boolean {
  return problems.some(({ code }) => code === "ERR_SHAPE_UNKNOWN");
}

function asReason(problem: Problem): Problem {
  return { ...problem, severity: "error", code: "ERR_SHAPE_UNKNOWN" };
}

function describeChosen({ folder, yaml, toml }: ProjectParts): Chosen {
  return { folders: ["", folder.root], hasManifest: yaml.exists || toml.exists };
}

/** All files of one app; without a manifest it is the top of the tree. */
function loadParts(
  files: ProjectFiles,
  app: AppEntry | null,
): { parts: ProjectParts; problems: readonly Problem[] } {
  const yaml =
    app === null || app.file === "bloom.toml"
      ? missingManifest<PlatformApp>(appFileName, {})
      : loadPlatformApp(files, app);
  const { root, problems } = yaml.exists ? resolveSourceRoot(files, yaml) : { root: "", problems: [] };
  const folder = openAppFolder(files, root);
  const parts = {
    folder,
    toml: loadBloomToml(files, yaml.file === applicationsFile ? root : folderOf(yaml.file)),
    yaml,
    cargo: loadCargoProject(folder),
    toolchainFile: loadToolchainFile(folder),
  };
  return { parts, problems };
}

/** It lies beside the manifest; what .platform/applications.yaml describes has it in the app's own folder. */
function loadBloomToml(files: ProjectFiles, folder: string): ManifestFile<BloomToml> {
  return loadManifest(files, {
    file: joinPath(folder, "bloom.toml"),
    parse: parseToml,
    schema: bloomTomlSchema,
    policy: { unknownKey: "error" },
    empty: {},
  });
}

function byPlace(one: Problem, other: Problem): number {
  const byFile = one.file < other.file ? -1 : one.file > other.file ? 1 : 0;
  return byFile || one.line - other.line || one.column - other.column;
}
