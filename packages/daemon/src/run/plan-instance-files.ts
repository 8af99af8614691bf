import { join } from "node:path";

/** The files and folders of an instance below its own folder. */
export function planInstanceFiles(dir: string) {
  return Object.freeze({
    etc: join(dir, "etc"),
    runtimeDocument: join(dir, "config.json"),
    /** Shown as /run/bloomery to apps that put a socket there. */
    run: join(dir, "run"),
    appSocket: join(dir, "run", "app.sock"),
    /** Where the host of a prefork app says how its workers do. */
    statsSocket: join(dir, "run", "stats.sock"),
    /** The forwarder's. */
    socket: join(dir, "app.sock"),
    /** Mounts that end with the instance. */
    mounts: join(dir, "mounts"),
    log: join(dir, "log"),
    control: join(dir, "control.sock"),
    record: join(dir, "instance.json"),
  });
}
