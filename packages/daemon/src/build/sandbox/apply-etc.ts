import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { planEtc, type EtcFacts } from "./plan-etc.js";

export interface EtcWish extends Omit<EtcFacts, "resolvConf" | "upstreamResolvConf" | "account"> {
  readonly account: { readonly name: string; readonly home: string };
  /** Null: the daemon's own user. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
}

/** Writes the files of /etc that must not be the host's own into this folder. */
export async function applyEtc(folder: string, wish: EtcWish): Promise<void> {
  const [resolvConf, upstreamResolvConf] = await Promise.all([
    readOptional("/etc/resolv.conf"),
    readOptional("/run/systemd/resolve/resolv.conf"),
    mkdir(folder, { recursive: true, mode: 0o755 }),
  ]);
  const files = planEtc({
    account: {
      ...wish.account,
      uid: wish.user?.uid ?? process.getuid?.() ?? 0,
      gid: wish.user?.gid ?? process.getgid?.() ?? 0,
    },
    hostname: wish.hostname,
    additionalHosts: wish.additionalHosts,
    ...(wish.isOffline === undefined ? {} : { isOffline: wish.isOffline }),
    resolvConf,
    upstreamResolvConf,
  });
  const write = ([name, text]: [string, string]) => writeFile(join(folder, name), text, { mode: 0o644 });
  await Promise.all(Object.entries(files).map(write));
}

function readOptional(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
