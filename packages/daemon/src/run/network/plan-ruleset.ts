import { reservedRange, type InstancePlace, type NetworkBlock } from "./plan-block.js";
import type { RelayPort } from "../plan-relays.js";
import { planRefusal } from "./plan-outbound.js";

/** One port on which one instance may be reached. */
export interface OpenPort {
  readonly address: string;
  readonly port: number;
  /** Shown by `nft list`; the instance's id. */
  readonly label: string;
}

/**
 * The whole table, for `nft -f`. Applying it again replaces the rules and keeps what the sets and the map
 * hold, so a new daemon does not disturb the traffic of instances it is about to adopt.
 */
export function planRuleset(block: NetworkBlock): string {
  const { table, instances, stable } = block;
  const names = "ip saddr @outbound ip daddr @resolvers meta l4proto { tcp, udp } th dport 53 accept";
  const rules: Readonly<Record<string, readonly string[]>> = {
    // Local traffic for a stable address goes to the instance that serves now.
    out: [`ip daddr ${stable} dnat to ip daddr map @current`],
    // Nobody on this machine reaches a port of an instance other than those its app serves on.
    guard: [
      // Without a map entry: refused before connection tracking has taken the packet in, or a client that uses
      // the same port again would be refused long after there is an entry.
      `ip daddr ${stable} tcp flags & (syn | ack) == syn reject with tcp reset`,
      `ip daddr ${instances} ct state new ip daddr . tcp dport != @open reject with tcp reset`,
      `ip daddr ${instances} ct state new meta l4proto != { tcp, icmp } drop`,
    ],
    in: [
      // The same for what comes back by loopback. Only a SYN may be answered: source and destination are the
      // same address, so anything wider would also eat the reset that is sent.
      `ip daddr ${stable} tcp flags & (syn | ack) == syn reject with tcp reset`,
      `ip saddr ${instances} ct state established,related accept`,
      // All that the machine itself has for an instance, where it is the one who resolves names.
      names,
      ...planRefusal(`ip saddr ${instances}`),
    ],
    forward: [
      `ip saddr ${instances} ct state established,related accept`,
      `ip daddr ${instances} ct state established,related accept`,
      // Before the rest: some clouds resolve names at the very address that is shut otherwise.
      names,
      ...planRefusal(`ip saddr ${instances} ip daddr { ${planForbidden(block).join(", ")} }`),
      `ip daddr ${instances} drop`,
      // Who has a list of places gets no further than its own chain.
      `ip saddr ${instances} ip saddr vmap @listed`,
      ...planRefusal(`ip saddr ${instances} ip saddr != @outbound`),
    ],
    post: [`ip saddr ${instances} ip daddr != ${block.cidr} masquerade`],
  };
  const hooks: Readonly<Record<string, string>> = {
    out: "type nat hook output priority -100",
    guard: "type filter hook output priority 0",
    in: "type filter hook input priority 0",
    forward: "type filter hook forward priority 0",
    post: "type nat hook postrouting priority 100",
  };
  const chains = Object.keys(hooks);
  return [
    `table ip ${table} {`,
    "\tmap current { type ipv4_addr : ipv4_addr",
    "\t}",
    "\tset open { type ipv4_addr . inet_service",
    "\t}",
    "\tset outbound { type ipv4_addr",
    "\t}",
    "\tmap listed { type ipv4_addr : verdict",
    "\t}",
    "\tset resolvers { type ipv4_addr",
    "\t}",
    ...chains.map((chain) => `\tchain ${chain} { ${hooks[chain]}; policy accept;\n\t}`),
    "}",
    ...chains.map((chain) => `flush chain ip ${table} ${chain}`),
    ...chains.flatMap((chain) => (rules[chain] ?? []).map((rule) => `add rule ip ${table} ${chain} ${rule}`)),
    "",
  ].join("\n");
}

/**
 * Makes connection tracking forget ended connections after a second instead of two minutes. An app that closes
 * after each answer otherwise fills the machine's table (a thousand requests a second leave 120,000 entries),
 * and then every connection of the machine suffers. Not every kernel can; a text of its own, so that it may fail.
 */
export function planBriefTracking(block: NetworkBlock): string {
  return [
    `table ip ${block.table} {`,
    "\tct timeout brief { protocol tcp; l3proto ip; policy = { time_wait : 1, close : 1 };",
    "\t}",
    "\tchain brief { type filter hook output priority -150; policy accept;",
    "\t}",
    "}",
    `flush chain ip ${block.table} brief`,
    `add rule ip ${block.table} brief ip daddr ${block.stable} meta l4proto tcp ct timeout set "brief"`,
    "",
  ].join("\n");
}

/** Link-local (where clouds serve credentials), other instances, other daemons. Private ranges stay open: databases live there. */
function planForbidden(block: NetworkBlock): readonly string[] {
  const inside = block.cidr.startsWith("198.18.") || block.cidr.startsWith("198.19.");
  return inside ? [reservedRange, "169.254.0.0/16"] : [block.cidr, reservedRange, "169.254.0.0/16"];
}

/** Routes that keep both halves on this machine: `ip -batch` text. */
export function planRoutes(block: NetworkBlock, verb: "replace" | "del"): string {
  // `unreachable` lies under the /30 of each instance: without it, packets for one that is gone would
  // leave by the default route and a connect would hang instead of failing.
  return [
    `route ${verb} local ${block.stable} dev lo`,
    `route ${verb} unreachable ${block.instances}`,
    "",
  ].join("\n");
}

/** Makes namespace and link from the host's side: `ip -batch` text. */
export function planNamespace(place: InstancePlace): string {
  return [
    `netns add ${place.netns}`,
    `link add ${place.link} type veth peer name eth0 netns ${place.netns}`,
    // No IPv6 address on the host's end, or the instance could reach what listens on [::] around the table.
    `link set dev ${place.link} addrgenmode none`,
    `addr add ${place.gateway}/30 dev ${place.link}`,
    `link set dev ${place.link} up`,
    "",
  ].join("\n");
}

/** What is set inside the namespace: an `ip -batch` text, then an `nft` text. */
export function planInside(place: InstancePlace): { readonly ip: string; readonly nft: string } {
  return {
    ip: [
      "link set dev lo up",
      `addr add ${place.address}/30 dev eth0`,
      "link set dev eth0 up",
      `route add default via ${place.gateway}`,
      "",
    ].join("\n"),
    // A server that binds 127.0.0.1 is reached unchanged. Which ports are open is decided on the host, so that
    // a namespace can be made before it is known who will live in it.
    nft: [
      "table ip bloom {",
      "\tchain pre { type nat hook prerouting priority -100; policy accept;",
      `\t\tiifname "eth0" ip daddr ${place.address} meta l4proto tcp dnat to 127.0.0.1`,
      "\t}",
      "}",
      "",
    ].join("\n"),
  };
}

/** Leads clients of these ports to others of the loopback address: `nft -f` text for the inside. */
export function planRelayed(place: InstancePlace, relays: readonly RelayPort[]): string {
  const led = relays.map(
    ({ port, at }) =>
      // Before the rule for all ports.
      `insert rule ip bloom pre iifname "eth0" ip daddr ${place.address} tcp dport ${port} dnat to 127.0.0.1:${at}`,
  );
  return [
    ...led,
    // From there to the app is one connection more for each client, of which connection tracking need not know.
    "add chain ip bloom near { type filter hook output priority -300; policy accept; }",
    'add rule ip bloom near oifname "lo" notrack',
    "",
  ].join("\n");
}

export function planRemoval(place: InstancePlace): string {
  // The link first: with it gone the address is free even while a dying process still holds the namespace.
  return `link del dev ${place.link}\nnetns del ${place.netns}\n`;
}

/** Lets traffic to these ports in. Admitting what is admitted already changes nothing. */
export function planAdmission(table: string, open: readonly OpenPort[]): string {
  return open
    .map(({ address, port, label }) => {
      const name = label.replace(/[^A-Za-z0-9-]/g, "").slice(0, 64);
      const comment = name === "" ? "" : ` comment "${name}"`;
      return `add element ip ${table} open { ${address} . ${port}${comment} }\n`;
    })
    .join("");
}

/** Lets connections of an address out. */
export function planOutbound(table: string, address: string): string {
  return `add element ip ${table} outbound { ${address} }\n`;
}

/** The servers that instances may ask for names, wherever they are: `nft -f` text. */
export function planResolvers(table: string, servers: readonly string[]): string {
  const add = servers.length === 0 ? "" : `add element ip ${table} resolvers { ${servers.join(", ")} }\n`;
  return `flush set ip ${table} resolvers\n${add}`;
}

/** Takes back whatever an address was allowed. Deleting what is not there would fail, so it is added first. */
export function planDismissal(table: string, address: string, ports: readonly number[]): string {
  const outbound = `element ip ${table} outbound { ${address} }`;
  return [
    `add ${outbound}\ndelete ${outbound}\n`,
    ...ports.map((port) => `delete element ip ${table} open { ${address} . ${port} }\n`),
  ].join("");
}

/** Leads a stable address from one instance to another in one transaction; null is no instance. */
export function planSwitch(table: string, stable: string, from: string | null, to: string | null): string {
  if (from === to) return "";
  return [
    ...(from === null ? [] : [`delete element ip ${table} current { ${stable} : ${from} }\n`]),
    ...(to === null ? [] : [`add element ip ${table} current { ${stable} : ${to} }\n`]),
  ].join("");
}
