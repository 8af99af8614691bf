import { chmod, chown, rename, rm } from "node:fs/promises";
import { connect, type Server, type Socket } from "node:net";
import type { InstanceAddress } from "../../run/engines/engine.js";

/** Who may connect besides the daemon; null: whoever runs the daemon. */
export type Owner = { readonly uid: number; readonly gid: number } | null;

/** The socket appears under its name when it belongs to whom it shall, and to nobody else, never before. */
export async function listenFor(
  server: Server,
  { path, owner }: { readonly path: string; readonly owner: Owner },
): Promise<void> {
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

export function connectTo(target: InstanceAddress): Socket {
  return target.kind === "unix"
    ? connect({ path: target.path, allowHalfOpen: true })
    : connect({ host: target.address, port: target.port, allowHalfOpen: true });
}

/** Passes bytes between the two, until both have ended. */
export function joinSockets(near: Socket, far: Socket): void {
  const close = (): void => {
    near.destroy();
    far.destroy();
  };
  near.on("error", close);
  far.on("error", close);
  // Half-closed connections stay so; a connection that is gone takes the other one with it.
  near.once("close", (failed) => failed && far.destroy());
  far.once("close", (failed) => failed && near.destroy());
  near.pipe(far);
  far.pipe(near);
}
