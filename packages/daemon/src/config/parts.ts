import type { BloomToml, PlatformApp } from "@bloomery/contract";
import type { CargoProject } from "./cargo-project.js";
import type { ManifestFile } from "./manifest-file.js";
import type { ToolchainFile } from "./toolchain-file.js";

/** Everything a project's files say, read and checked. */
export interface ProjectParts {
  readonly toml: ManifestFile<BloomToml>;
  readonly yaml: ManifestFile<PlatformApp>;
  readonly cargo: CargoProject;
  readonly toolchainFile: ToolchainFile;
}

/** What the caller knows besides the files. */
export interface LoadConfigOptions {
  /** Wins over every name in the files. */
  readonly appName?: string;
  /** The folder's own name, for want of a better one. */
  readonly folderName?: string;
}
