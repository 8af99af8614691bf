import type { OutboundRule } from "@bloomery/contract";
import { addressOfName, isOverlapping } from "./plan-block.js";

/** The only places an instance may connect to. */
export interface OutboundList {
  readonly rules: readonly OutboundRule[];
  /** Host name → address: what the app's own /etc/hosts says, before anybody is asked. */
  readonly hosts: Readonly<Record<string, string>>;
}

/** Host name → its IPv4 addresses. */
export type Answers = (name: string) => readonly string[];

/**
 * Refuses at once, whatever is tried. ICMP cannot do that for TCP: it is lost when it comes while `connect` still sends,
 * as it does over a link within one machine, and is answered with a second later; and one instance gets about one such
 * message a second. A reset is never lost.
 */
export function planRefusal(match: string): readonly string[] {
  return [
    `${match} meta l4proto tcp reject with tcp reset`.trimStart(),
    `${match} reject with icmp type admin-prohibited`.trimStart(),
  ];
}

/** The names somebody has to be asked for. */
export function planNames(list: OutboundList): readonly string[] {
  const names = list.rules.map(({ host }) => host.toLowerCase());
  return [...new Set(names)].filter(
    (name) => !isNetwork(name) && isName(name) && list.hosts[name] === undefined,
  );
}

/**
 * The chain that decides where one instance may connect to, and the map's element that leads there: replaces both,
 * for `nft -f`. IPv4 alone, since instances have no other address.
 */
export function planOutbound(table: string, address: string, list: OutboundList, answers: Answers): string {
  const chain = chainOf(address);
  const rules = [...list.rules.flatMap((rule) => planRule(rule, list, answers)), ...planRefusal("")];
  return [
    `table ip ${table} {`,
    `\tchain ${chain} {`,
    "\t}",
    "}",
    `flush chain ip ${table} ${chain}`,
    ...rules.map((rule) => `add rule ip ${table} ${chain} ${rule}`),
    `add element ip ${table} listed { ${address} : jump ${chain} }`,
    "",
  ].join("\n");
}

/** Takes chain and element away; both have to be there. */
export function planOutboundRemoval(table: string, address: string): string {
  const chain = chainOf(address);
  return [
    `delete element ip ${table} listed { ${address} : jump ${chain} }`,
    `flush chain ip ${table} ${chain}`,
    `delete chain ip ${table} ${chain}`,
    "",
  ].join("\n");
}

/** What a table's text says of the lists in it: the instances that have one, and the names' addresses. */
export interface FoundLists {
  readonly instances: readonly string[];
  readonly names: ReadonlyMap<string, readonly string[]>;
}

/** Reads the text of `nft -n list table`. */
export function parseOutbound(text: string): FoundLists {
  const instances = [...text.matchAll(/^\tchain only-([0-9a-f]{8}) \{$/gm)].flatMap(
    (match) => addressOfName(`bl-${match[1]}`) ?? [],
  );
  const names = new Map<string, readonly string[]>();
  for (const match of text.matchAll(/ip daddr (\{[^}]*\}|[\d.]+) [^\n]*accept comment "([^"]+)"/g)) {
    const addresses = match[1]?.match(/\d+\.\d+\.\d+\.\d+/g) ?? [];
    const name = match[2] ?? "";
    names.set(name, [...new Set([...(names.get(name) ?? []), ...addresses])]);
  }
  return { instances, names };
}

function planRule({ host, ports }: OutboundRule, { hosts }: OutboundList, answers: Answers): string[] {
  const name = host.toLowerCase();
  const given = isNetwork(name) ? name : hosts[name];
  const targets = (given === undefined ? answers(name) : [given]).filter(isNetwork);
  const what = planPorts(ports);
  if (targets.length === 0 || what === null) return [];
  const where = targets.length === 1 ? targets[0] : `{ ${[...targets].sort().join(", ")} }`;
  // The name is read again by a later daemon, which has to ask for its addresses first. nft takes 128 bytes.
  const comment = given === undefined && name.length <= 120 && isName(name) ? ` comment "${name}"` : "";
  return [`ip daddr ${where} ${what} accept${comment}`];
}

function planPorts(ports: OutboundRule["ports"]): string | null {
  if (ports === null) return "meta l4proto { tcp, udp }";
  const [first, last] = ports;
  const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;
  if (!isPort(first) || !isPort(last) || first > last) return null;
  return `tcp dport ${first === last ? first : `${first}-${last}`}`;
}

// Both end up in the text of a rule: nothing but an address, a network or a name may get there.
function isNetwork(text: string): boolean {
  return /^[\d./]+$/.test(text) && isOverlapping(text, text);
}

function isName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?$/.test(text) && !/^[\d.]+$/.test(text);
}

function chainOf(address: string): string {
  const hex = address
    .split(".")
    .map((part) => Number(part).toString(16).padStart(2, "0"))
    .join("");
  return `only-${hex}`;
}
