export { loadConfig, toConfigError, type LoadedConfig } from "./load-config.js";
export { bloomTomlJsonSchema, renderManifestReference } from "./manifest-reference.js";
export { findInis } from "./find-ini.js";
export { parseComplaints, parseShown, type ShownConfig } from "./parse-shown.js";
export type { LoadConfigOptions } from "./parts.js";
export { maxFileBytes, openProjectFolder, type ProjectFiles } from "./project-files.js";
