/**
 * A writable folder of the app. `local` and `storage` are kept for ever and shared by the replicas, `instance` is
 * kept and belongs to one replica, `tmp` and `temporary` end with the instance.
 */
export interface MountConfig {
  readonly source: "local" | "storage" | "instance" | "tmp" | "temporary";
  /** The folder within the volume, without slashes at its ends; "" is all of it. */
  readonly sourcePath: string;
}

/** True for mounts whose content outlives the instance. */
export function isPersistent({ source }: MountConfig): boolean {
  return source === "local" || source === "storage" || source === "instance";
}

/** True for mounts that two versions must not write at the same time. */
export function isExclusive({ source }: MountConfig): boolean {
  return source === "local" || source === "instance";
}
