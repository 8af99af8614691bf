/** Its own loopback, where nobody listens and which says so at once. */
const noResolver = "nameserver 127.0.0.1\n";

/** What decides the files below /etc of a sandbox. */
export interface EtcFacts {
  /** The account that runs inside. */
  readonly account: {
    readonly name: string;
    readonly home: string;
    readonly uid: number;
    readonly gid: number;
  };
  /** The sandbox's own host name. */
  readonly hostname: string;
  /** Host name → address: further lines of /etc/hosts. */
  readonly additionalHosts: Readonly<Record<string, string>>;
  /** No resolver can be reached from inside: names fail at once instead of being waited for. */
  readonly isOffline?: boolean;
  /** The host's /etc/resolv.conf. */
  readonly resolvConf: string;
  /** systemd-resolved's list of real resolvers; empty when there is none. */
  readonly upstreamResolvConf: string;
}

export interface EtcFiles {
  readonly passwd: string;
  readonly group: string;
  readonly hosts: string;
  readonly "resolv.conf": string;
  readonly "nsswitch.conf": string;
}

/** The files of /etc that are generated, because the host's own would say too much or not work in a sandbox. */
export function planEtc(facts: EtcFacts): EtcFiles {
  const { name, home, uid, gid } = facts.account;
  const additional = Object.entries(facts.additionalHosts);
  return Object.freeze({
    passwd: textOf([
      "root:x:0:0:root:/root:/bin/sh",
      ...(uid === 0 ? [] : [`${name}:x:${uid}:${gid}:${name}:${home}:/bin/sh`]),
      "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
    ]),
    group: textOf(["root:x:0:", ...(gid === 0 ? [] : [`${name}:x:${gid}:`]), "nogroup:x:65534:"]),
    hosts: textOf([
      `127.0.0.1 localhost ${facts.hostname}`,
      `::1 localhost ip6-localhost ip6-loopback ${facts.hostname}`,
      ...additional.map(([host, address]) => `${address} ${host}`),
    ]),
    "resolv.conf":
      facts.isOffline === true ? noResolver : chooseResolvers(facts.resolvConf, facts.upstreamResolvConf),
    // The host's own may name sources that do not exist inside.
    "nsswitch.conf": textOf(["passwd: files", "group: files", "hosts: files dns"]),
  });
}

/** A resolver on the host's loopback cannot be reached from another network namespace. */
export function chooseResolvers(resolvConf: string, upstream: string): string {
  const servers = [...resolvConf.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1] ?? "");
  const onlyLoopback = servers.length > 0 && servers.every((one) => one.startsWith("127.") || one === "::1");
  return onlyLoopback && /^\s*nameserver\s/m.test(upstream) ? upstream : resolvConf;
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
