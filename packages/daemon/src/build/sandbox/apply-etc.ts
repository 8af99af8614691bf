import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { planEtc, type EtcFacts } from "./plan-etc.js";

export interface EtcWish extends Omit<EtcFacts, "resolvConf" | "upstreamResolvConf" | "account"> {
  readonly account: { readonly name: string; readonly home: string };
  /** Null: the daemon's own user. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
}

/**
 * Writes the files of /etc that must not be the host's own into this folder. At once: for something so small a turn of
 * Node's threads takes longer, and somebody may wait.
 */
export function applyEtc(folder: string, wish: EtcWish): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const files = planEtc({
    account: {
      ...wish.account,
      uid: wish.user?.uid ?? process.getuid?.() ?? 0,
      gid: wish.user?.gid ?? process.getgid?.() ?? 0,
    },
    hostname: wish.hostname,
    additionalHosts: wish.additionalHosts,
    ...(wish.isOffline === undefined ? {} : { isOffline: wish.isOffline }),
    resolvConf: readOptional("/etc/resolv.conf"),
    upstreamResolvConf: readOptional("/run/systemd/resolve/resolv.conf"),
  });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o644 });
}

function readOptional(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
