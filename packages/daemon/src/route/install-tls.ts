import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { chown, open, readdir, realpath, rename, rm, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { BloomError } from "@bloomery/contract";
import type { NginxUser } from "./low-ports.js";
import type { RouteTarget, StreamTarget } from "./plan-routes.js";

/** Certificates with all that vouch for them are a few thousand bytes long. */
const mostBytes = 1_000_000;

export interface InstalledTls {
  /** The same target with the copies' paths. */
  readonly target: RouteTarget;
  /** What lies at each copy's path, as the manifest calls it. */
  readonly copies: ReadonlyMap<string, string>;
}

/**
 * Copies an app's certificates and keys to where only nginx may read them: it runs as a user of its own, which the
 * release's files are not for. Named after what is in them, so that others give another configuration. Throws
 * ERR_MANIFEST_INVALID when one is not there.
 */
export async function installTls(
  target: RouteTarget,
  folder: string,
  owner: NginxUser | null,
): Promise<InstalledTls> {
  const copies = new Map<string, string>();
  const install = async (path: string): Promise<string> => {
    const name = relative(target.artifactDir ?? "/", path);
    const bytes = await readInside(target.artifactDir ?? "/", path).catch((cause: unknown) => {
      throw refuse(target, name, cause);
    });
    const copy = join(folder, `${createHash("sha256").update(bytes).digest("hex")}.pem`);
    copies.set(copy, name);
    const fresh = `${copy}.new`;
    await writeFile(fresh, bytes, { mode: 0o600 });
    if (owner !== null) await chown(fresh, owner.uid, owner.gid);
    await rename(fresh, copy);
    return copy;
  };
  const streams: StreamTarget[] = [];
  for (const stream of target.streams) {
    const { tls } = stream;
    if (tls === null) streams.push(stream);
    else {
      const certificate = await install(tls.certificate);
      streams.push({ ...stream, tls: { certificate, key: await install(tls.key) } });
    }
  }
  return { target: { ...target, streams }, copies };
}

/** Removes the copies that no configuration names any more; nginx has read those it uses. */
export async function sweepTls(folder: string, keep: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!keep.has(join(folder, name))) await rm(join(folder, name), { force: true });
  }
}

/** A release may have links; one that leads out of it would show us a file of the platform's. */
async function readInside(root: string, path: string): Promise<Buffer> {
  const [base, real] = [await realpath(root), await realpath(path)];
  if (!real.startsWith(base.endsWith(sep) ? base : `${base}${sep}`))
    throw new Error("it leads out of the app");
  // Opening a pipe would wait for its other end.
  const { O_NONBLOCK, O_NOFOLLOW, O_RDONLY } = constants;
  const handle = await open(real, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  try {
    const found = await handle.stat();
    if (!found.isFile() || found.size > mostBytes) throw new Error("it is no file of a fitting size");
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function refuse({ org, app }: RouteTarget, name: string, cause: unknown): BloomError {
  const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT";
  const why = isMissing ? "is not there after the build" : `cannot be used: ${(cause as Error).message}`;
  return new BloomError("ERR_MANIFEST_INVALID", `the TLS file ${name} of ${org}:${app} ${why}`, {
    cause,
    hint: "Put it into the source or let the build make it, and write its path below the app's folder.",
  });
}
