import { join } from "node:path";
import { isPersistent, type AppConfig, type MountConfig } from "@bloomery/contract";

/** The places of one environment's volume on the host. */
export interface VolumePaths {
  readonly root: string;
  /** What mounts keep; a disk of its own when the manifest sets `disk` and the machine can. */
  readonly data: string;
  /** The file behind that disk. */
  readonly image: string;
}

export function planVolumePaths(volumes: string, environmentId: string): VolumePaths {
  const root = join(volumes, environmentId);
  return { root, data: join(root, "data"), image: join(root, "disk.img") };
}

/** Below the volume's data: the folder of one mount, as names from the outside in; null for what is not kept. */
export function planMountFolder(mount: MountConfig, replica: number): readonly string[] | null {
  if (!isPersistent(mount)) return null;
  const owner = mount.source === "instance" ? `replica-${replica}` : "shared";
  return [owner, ...mount.sourcePath.split("/").filter((name) => name !== "")];
}

/** Bytes the volume may hold; null: as much as there is. */
export function planVolumeBytes(config: AppConfig): number | null {
  return config.diskMb !== null && Object.values(config.mounts).some(isPersistent)
    ? config.diskMb * 1_000_000
    : null;
}

export interface DiskFacts {
  readonly wantedBytes: number | null;
  /** Size of the file system in the image; null: there is none. */
  readonly imageBytes: number | null;
  /** Whether this machine can make disks out of files. */
  readonly canLoop: boolean;
}

/** What has to be done about the disk behind a volume. */
export type DiskPlan =
  | { readonly kind: "plain" }
  /** A plain folder whose size is looked at, because it cannot be enforced. */
  | { readonly kind: "measured"; readonly limitBytes: number }
  | { readonly kind: "create"; readonly bytes: number }
  | { readonly kind: "keep" }
  | { readonly kind: "grow"; readonly bytes: number }
  | { readonly kind: "refuse_shrink" };

const slackBytes = 8_000_000;

/** An image that exists is always used: it holds the data. */
export function planDisk({ wantedBytes, imageBytes, canLoop }: DiskFacts): DiskPlan {
  // File systems come in whole blocks.
  const wanted = wantedBytes === null ? null : Math.ceil(wantedBytes / 4096) * 4096;
  if (imageBytes === null) {
    if (wanted === null) return { kind: "plain" };
    return canLoop ? { kind: "create", bytes: wanted } : { kind: "measured", limitBytes: wanted };
  }
  if (wanted === null) return { kind: "keep" };
  if (wanted < imageBytes) return { kind: "refuse_shrink" };
  // A file system may be a little smaller than it was asked to be.
  return wanted - imageBytes < slackBytes ? { kind: "keep" } : { kind: "grow", bytes: wanted };
}

/** Mount points below this folder, read from /proc/self/mountinfo. */
export function parseMountPoints(mountinfo: string, folder: string): string[] {
  return mountinfo
    .split("\n")
    .map((line) => unescapePath(line.split(" ")[4] ?? ""))
    .filter((path) => path.startsWith(`${folder}/`));
}

/** The kernel writes space, tab, newline and backslash as octal numbers. */
function unescapePath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
