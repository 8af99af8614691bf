import { join } from "node:path";

/** Files and folders of the nginx this daemon runs, all below `<home>/nginx`. */
export interface NginxPaths {
  readonly prefix: string;
  readonly config: string;
  /** The shim's folder. */
  readonly shim: string;
  readonly run: string;
  readonly pidFile: string;
  /** Where nginx says which configuration is in force. */
  readonly generationSocket: string;
  readonly temp: string;
  readonly logs: string;
  readonly accessLog: string;
  readonly errorLog: string;
}

/** `prefix` is the home's `nginx` folder. */
export function planNginxPaths(prefix: string): NginxPaths {
  const logs = join(prefix, "log");
  const run = join(prefix, "run");
  return Object.freeze({
    prefix,
    config: join(prefix, "nginx.conf"),
    shim: join(prefix, "shim"),
    run,
    pidFile: join(run, "nginx.pid"),
    generationSocket: join(run, "generation.sock"),
    temp: join(prefix, "temp"),
    logs,
    accessLog: join(logs, "access.log"),
    errorLog: join(logs, "error.log"),
  });
}
