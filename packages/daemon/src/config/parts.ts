import type { BloomToml, PlatformApp } from "@bloomery/contract";
import type { AppFolder } from "./app-folder.js";
import type { CargoProject } from "./cargo-project.js";
import type { ManifestFile } from "./manifest-file.js";
import type { ToolchainFile } from "./toolchain-file.js";

/** Everything a project's files say, read and checked. */
export interface ProjectParts {
  /** The app's own folder; Cargo.toml and the sources are in it. */
  readonly folder: AppFolder;
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
  /** The folder of the tree somebody stood in, "" for its top: chooses among several apps. */
  readonly folder?: string;
  /** The name of one of the project's apps, when there are several. */
  readonly manifestApp?: string;
  /** What the app is, whatever its files look like. A shape that bloom.toml names is still looked at. */
  readonly shape?: "function";
}
