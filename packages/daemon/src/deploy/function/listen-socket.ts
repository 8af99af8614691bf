import { chmod, chown, rename, rm } from "node:fs/promises";
import type { Server } from "node:net";

/** Who may connect besides the daemon; null: whoever runs the daemon. */
export type SocketOwner = { readonly uid: number; readonly gid: number } | null;

/** The socket appears under its name when it belongs to whom it shall, never before. */
export async function listenSocket(server: Server, path: string, owner: SocketOwner): Promise<void> {
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path: fresh, backlog: 4096 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  await chmod(fresh, 0o600);
  if (owner !== null) await chown(fresh, owner.uid, owner.gid);
  await rename(fresh, path);
}
