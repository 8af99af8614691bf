/** Facts of the host that decide what a build finds below /etc. */
export interface EtcFacts {
  readonly uid: number;
  readonly gid: number;
  /** The host's /etc/resolv.conf. */
  readonly resolvConf: string;
  /** systemd-resolved's list of real resolvers; empty when there is none. */
  readonly upstreamResolvConf: string;
  /** The host's /etc/nsswitch.conf. */
  readonly nsswitch: string;
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
  return Object.freeze({
    passwd: [
      "root:x:0:0:root:/root:/bin/sh",
      ...(facts.uid === 0 ? [] : [`build:x:${facts.uid}:${facts.gid}:build:/home/build:/bin/sh`]),
      "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
      "",
    ].join("\n"),
    group: ["root:x:0:", ...(facts.gid === 0 ? [] : [`build:x:${facts.gid}:`]), "nogroup:x:65534:", ""].join(
      "\n",
    ),
    hosts: "127.0.0.1 localhost build\n::1 localhost build\n",
    "resolv.conf": chooseResolvers(facts.resolvConf, facts.upstreamResolvConf),
    "nsswitch.conf":
      facts.nsswitch === "" ? "passwd: files\ngroup: files\nhosts: files dns\n" : facts.nsswitch,
  });
}

/** A resolver on the host's loopback cannot be reached from another network namespace. */
export function chooseResolvers(resolvConf: string, upstream: string): string {
  const servers = [...resolvConf.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1] ?? "");
  const onlyLoopback = servers.length > 0 && servers.every((one) => one.startsWith("127.") || one === "::1");
  return onlyLoopback && /^\s*nameserver\s/m.test(upstream) ? upstream : resolvConf;
}
