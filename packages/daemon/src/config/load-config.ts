import {
  bloomTomlSchema,
  BloomError,
  formatProblem,
  platformAppSchema,
  type AppConfig,
  type Problem,
} from "@bloomery/contract";
import { loadCargoProject } from "./cargo-project.js";
import { detectShape } from "./detect-shape.js";
import { freezeDeep } from "./freeze.js";
import { isBroken, loadManifest, manifestProblem, type ManifestFile } from "./manifest-file.js";
import { parseToml } from "./parse-toml.js";
import { parseYaml } from "./parse-yaml.js";
import type { LoadConfigOptions, ProjectParts } from "./parts.js";
import type { ProjectFiles } from "./project-files.js";
import { resolveConfig } from "./resolve-config.js";
import { loadToolchainFile } from "./toolchain-file.js";

/** The config, null when there are errors, and every remark about the project's files, sorted by place. */
export interface LoadedConfig {
  readonly config: AppConfig | null;
  readonly problems: readonly Problem[];
}

/**
 * Reads what the user wrote and makes the frozen config of it. Collects the problems of all files instead of stopping
 * at the first; never throws because of a file's content.
 */
export function loadConfig(files: ProjectFiles, options: LoadConfigOptions = {}): LoadedConfig {
  const parts = loadParts(files);
  const { toml, yaml, cargo, toolchainFile } = parts;
  const detected = detectShape(files, toml, yaml, cargo);
  const resolved =
    detected.shape === "web"
      ? resolveConfig(parts, detected.reason, options)
      : { config: null, problems: [] };
  const problems = [toml, yaml, cargo, toolchainFile, detected, resolved].flatMap((part) => part.problems);
  if (detected.shape === "web") problems.push(...remarkOnType(yaml));
  const hasErrors = problems.some(({ severity }) => severity === "error");
  return freezeDeep({ config: hasErrors ? null : resolved.config, problems: problems.sort(byPlace) });
}

/**
 * The error that a deploy ends with when `loadConfig` gave no config. `details.problems` has all errors; the code is
 * ERR_SHAPE_UNKNOWN or ERR_SHAPE_UNSUPPORTED when the shape is the only trouble, else ERR_MANIFEST_INVALID.
 */
export function toConfigError(problems: readonly Problem[]): BloomError {
  const errors = problems.filter(({ severity }) => severity === "error");
  const [first] = errors;
  const code = errors.length === 1 && first?.code !== undefined ? first.code : "ERR_MANIFEST_INVALID";
  return new BloomError(code, errors.map(formatProblem).join("\n"), { details: { problems: errors } });
}

function loadParts(files: ProjectFiles): ProjectParts {
  return {
    toml: loadManifest(files, {
      file: "bloom.toml",
      parse: parseToml,
      schema: bloomTomlSchema,
      policy: { unknownKey: "error" },
      empty: {},
    }),
    yaml: loadManifest(files, {
      file: ".platform.app.yaml",
      parse: parseYaml,
      schema: platformAppSchema,
      policy: { unknownKey: "warning" },
      empty: {},
    }),
    cargo: loadCargoProject(files),
    toolchainFile: loadToolchainFile(files),
  };
}

/** The runtime is the one key whose absence other platforms refuse. */
function remarkOnType(yaml: ManifestFile<{ type?: string | undefined }>): Problem[] {
  if (!yaml.exists || yaml.data.type !== undefined || isBroken(yaml, ["type"])) return [];
  const message = 'the runtime is missing, so the default Rust toolchain is used; write "type: rust:1"';
  return [manifestProblem(yaml, "warning", ["type"], message)];
}

function byPlace(one: Problem, other: Problem): number {
  const byFile = one.file < other.file ? -1 : one.file > other.file ? 1 : 0;
  return byFile || one.line - other.line || one.column - other.column;
}
