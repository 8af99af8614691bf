import type { ManifestPath, PlatformApp } from "@bloomery/contract";
import type { ManifestFile } from "./manifest-file.js";

/** Properties that may stand at the top and below `web`. */
type Property =
  | "size"
  | "resources"
  | "container_profile"
  | "disk"
  | "mounts"
  | "variables"
  | "access"
  | "timezone";

/** One property of the web instance, and where it is written. */
export interface ContainerProperty<P extends Property> {
  readonly value: PlatformApp[P];
  readonly path: ManifestPath;
}

/** What stands below `web` replaces the whole property at the top. */
export function containerProperty<P extends Property>(
  { data }: ManifestFile<PlatformApp>,
  name: P,
): ContainerProperty<P> {
  const own: PlatformApp[P] = data.web?.[name];
  return own === undefined ? { value: data[name], path: [name] } : { value: own, path: ["web", name] };
}
