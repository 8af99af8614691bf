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
  /** Who is connected through which socket: nginx's own words about raw TCP. */
  readonly streamLog: string;
  /** One line of JSON for each raw TCP connection that has ended. */
  readonly streamAccessLog: string;
  /** Certificates and keys that nginx reads; only it may. */
  readonly tls: string;
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
    streamLog: join(logs, "stream.log"),
    streamAccessLog: join(logs, "stream-access.log"),
    tls: join(prefix, "tls"),
  });
}
