export { loadConfig, toConfigError, type LoadedConfig } from "./load-config.js";
export { bloomTomlJsonSchema, renderManifestReference } from "./manifest-reference.js";
export type { LoadConfigOptions } from "./parts.js";
export { maxFileBytes, openProjectFolder, type ProjectFiles } from "./project-files.js";
