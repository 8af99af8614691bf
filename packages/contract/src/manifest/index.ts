export { bloomTomlSchema, type BloomToml } from "./bloom-toml.js";
export { parseByteSize, parseProxySize } from "./byte-size.js";
export { manifestDefaults, manifestLimits } from "./defaults.js";
export { keyMetaOf, unwrapSchema, type KeyEffect, type KeyMeta } from "./key-meta.js";
export { platformAppSchema, type PlatformApp } from "./platform-app.js";
export { coresOf, sizeNames, type SizeName } from "./sizes.js";
export { toolchainChannel } from "./scalars.js";
export {
  childSchema,
  elementOf,
  formatManifestPath,
  keysOf,
  schemaAt,
  type ManifestPath,
} from "./schema-tree.js";
