import { execFile } from "node:child_process";
import { BloomError } from "@bloomery/contract";
import { openControlClient } from "../run/control-client.js";
import { startShim } from "../run/start-shim.js";
import { openNginxWith, type Nginx } from "./open-nginx.js";
import type { NginxVersion } from "./plan-http.js";
import type { NginxProgram } from "./plan-nginx-spec.js";
import type { ListenAddress } from "./plan-upstream.js";

export interface NginxOptions {
  /** The home's `nginx` folder. */
  readonly prefix: string;
  readonly program: NginxProgram;
  readonly shimPath: string;
  /** Addresses; one or several. */
  readonly listen: ListenAddress | readonly ListenAddress[];
  readonly log: { warn(fields: object, text: string): void };
}

/** The nginx of this home, kept running by a shim that outlives the daemon. */
export function openNginx({ shimPath, listen, ...options }: NginxOptions): Promise<Nginx> {
  return openNginxWith({
    ...options,
    listen: [listen].flat(),
    supervisor: { startShim: (spec) => startShim(shimPath, spec), openControl: openControlClient },
  });
}

/** The version as three numbers. Throws ERR_SYSTEM_PACKAGE_MISSING when nginx does not say. */
export function readNginxVersion(binary: string): Promise<NginxVersion> {
  return new Promise((resolve, reject) => {
    execFile(binary, ["-v"], (_error, stdout, stderr) => {
      const match = /nginx\/(\d+)\.(\d+)\.(\d+)/.exec(`${stdout}${stderr}`);
      if (match !== null) return resolve([Number(match[1]), Number(match[2]), Number(match[3])]);
      reject(new BloomError("ERR_SYSTEM_PACKAGE_MISSING", `${binary} does not tell its version`));
    });
  });
}
