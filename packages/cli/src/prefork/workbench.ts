import { createHash } from "node:crypto";
import { copyFile, rename } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where something is made for a folder without anything being left in it. */
export interface Workbench {
  /** Looks like the folder. */
  readonly source: string;
  readonly target: string;
  /** The crates that apps are written with, as they are copied. */
  readonly sdk: string;
}

export function planWorkbench(folder: string, env: NodeJS.ProcessEnv): Workbench {
  const cache = env["XDG_CACHE_HOME"];
  const base = cache === undefined || cache === "" ? join(env["HOME"] ?? homedir(), ".cache") : cache;
  const name = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  const own = join(base, "bloomery", "prefork");
  return { source: join(own, name, "source"), target: join(own, name, "target"), sdk: join(own, "sdk") };
}

/** Where the platform's crates lie: named by BLOOM_SDK, or of this installation. */
export function findCrates(env: NodeJS.ProcessEnv): string {
  const named = env["BLOOM_SDK"];
  if (named !== undefined && named !== "") return named;
  return join(dirname(fileURLToPath(import.meta.resolve("@bloomery/daemon/main"))), "../../../crates");
}

/** In one step: a host that has the old one open keeps it as it was. */
export async function putLibrary(made: string, place: string): Promise<void> {
  const fresh = `${place}.${process.pid}.new`;
  await copyFile(made, fresh);
  await rename(fresh, place);
}
