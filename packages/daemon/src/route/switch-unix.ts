import { randomBytes } from "node:crypto";
import { chown, link, rename, rm } from "node:fs/promises";

/**
 * Makes `stable` lead to the unix socket at `socket` for new connections, in one step. A second name for the
 * socket is made and renamed over the stable one, so the instance keeps its own and there is no moment
 * without a listener. Both must lie on one file system. `owner` is who may connect (nginx).
 */
export async function switchUnix(
  stable: string,
  socket: string,
  owner: { readonly uid: number; readonly gid: number } | null = null,
): Promise<void> {
  const fresh = `${stable}.${randomBytes(6).toString("hex")}`;
  try {
    await link(socket, fresh);
    if (owner !== null) await chown(fresh, owner.uid, owner.gid);
    await rename(fresh, stable);
  } finally {
    // Renaming a name over another one of the same socket does nothing and leaves both.
    await rm(fresh, { force: true });
  }
}

/** From now on connects to `stable` fail at once. Harmless when it is gone. */
export async function clearUnix(stable: string): Promise<void> {
  await rm(stable, { force: true });
}
