import { BloomError } from "@bloomery/contract";

/**
 * One IPv4 block a daemon has to itself. The first half holds instances, a /30 each (host .1, instance .2);
 * the second half holds stable addresses, which nginx knows and which never change hands.
 */
export interface NetworkBlock {
  /** `198.18.0.0/16`. */
  readonly cidr: string;
  readonly instances: string;
  readonly stable: string;
  /** The nftables table; its existence is the claim on the block. */
  readonly table: string;
  readonly instanceCapacity: number;
  readonly stableCapacity: number;
}

/** Where one instance lives. */
export interface InstancePlace {
  /** The instance's own address. */
  readonly address: string;
  /** The host's end of the link. */
  readonly gateway: string;
  /** Name of the network namespace, below /run/netns. */
  readonly netns: string;
  /** Name of the host's end; at most 15 characters, as the kernel wants. */
  readonly link: string;
}

/** Benchmark addresses (RFC 2544): no network uses them. One large block, then sixteen small ones for further daemons. */
export const defaultBlocks: readonly string[] = Object.freeze([
  "198.18.0.0/16",
  ...Array.from({ length: 16 }, (_, index) => `198.19.${index * 16}.0/20`),
]);

/** Everything of every daemon with default settings; no instance may reach into it. */
export const reservedRange = "198.18.0.0/15";

/** Reads `a.b.c.d/n` with n from 8 to 28. Throws ERR_INVALID_ARGUMENT. */
export function parseBlock(cidr: string): NetworkBlock {
  const range = parseCidr(cidr);
  if (range === undefined || range.prefix < 8 || range.prefix > 28) {
    throw new BloomError(
      "ERR_INVALID_ARGUMENT",
      `\`${cidr}\` is not a block of IPv4 addresses such as 198.18.0.0/16 (prefix from 8 to 28, no host bits)`,
    );
  }
  const half = 2 ** (32 - range.prefix - 1);
  return Object.freeze({
    cidr,
    instances: `${formatAddress(range.first)}/${range.prefix + 1}`,
    stable: `${formatAddress(range.first + half)}/${range.prefix + 1}`,
    table: `bloom_${cidr.replace(/[./]/g, "_")}`,
    instanceCapacity: half / 4,
    // The all-zero address of a range confuses some tools.
    stableCapacity: half - 1,
  });
}

/** The block a table of this name stands for; undefined for tables that are not ours. */
export function parseTableName(table: string): NetworkBlock | undefined {
  const match = /^bloom_(\d+)_(\d+)_(\d+)_(\d+)_(\d+)$/.exec(table);
  if (match === null) return undefined;
  try {
    return parseBlock(`${match.slice(1, 5).join(".")}/${match[5]}`);
  } catch {
    return undefined;
  }
}

/** The place with this number, from 0. */
export function planPlace(block: NetworkBlock, index: number): InstancePlace {
  return placeAt(firstOf(block.instances) + index * 4 + 2);
}

/** The place an instance address belongs to; undefined when it is not an instance address of this block. */
export function findPlace(
  block: NetworkBlock,
  address: string,
): (InstancePlace & { index: number }) | undefined {
  const value = parseAddress(address);
  if (value === undefined) return undefined;
  const offset = value - firstOf(block.instances);
  if (offset < 0 || offset >= block.instanceCapacity * 4 || offset % 4 !== 2) return undefined;
  return { ...placeAt(value), index: (offset - 2) / 4 };
}

/** The address named by `bl-c6120002` or `bv-c6120002`; undefined for other names. */
export function addressOfName(name: string): string | undefined {
  const match = /^b[lv]-([0-9a-f]{8})$/.exec(name);
  return match?.[1] === undefined ? undefined : formatAddress(Number.parseInt(match[1], 16));
}

/** The namespace of the instance that has this address; undefined when it is no IPv4 address. */
export function namespaceOf(address: string): string | undefined {
  const value = parseAddress(address);
  return value === undefined ? undefined : placeAt(value).netns;
}

/** The stable address with this number, from 0. Throws ERR_LIMIT_REACHED beyond the block. */
export function planStableAddress(block: NetworkBlock, index: number): string {
  if (!Number.isInteger(index) || index < 0 || index >= block.stableCapacity) {
    throw new BloomError(
      "ERR_LIMIT_REACHED",
      `${block.cidr} has ${block.stableCapacity} stable addresses, all in use`,
    );
  }
  return formatAddress(firstOf(block.stable) + 1 + index);
}

/** True when the two ranges, `a.b.c.d/n` or a single address, have an address in common. */
export function isOverlapping(a: string, b: string): boolean {
  const left = parseCidr(a);
  const right = parseCidr(b);
  if (left === undefined || right === undefined) return false;
  return left.first <= right.last && right.first <= left.last;
}

function placeAt(value: number): InstancePlace {
  const hex = value.toString(16).padStart(8, "0");
  return {
    address: formatAddress(value),
    gateway: formatAddress(value - 1),
    netns: `bl-${hex}`,
    link: `bv-${hex}`,
  };
}

function parseCidr(text: string): { first: number; last: number; prefix: number } | undefined {
  const [address = "", length = "32", ...rest] = text.split("/");
  const first = parseAddress(address);
  const prefix = Number(length);
  if (first === undefined || rest.length > 0 || !/^\d{1,2}$/.test(length) || prefix > 32) return undefined;
  const size = 2 ** (32 - prefix);
  return first % size === 0 ? { first, last: first + size - 1, prefix } : undefined;
}

function parseAddress(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const parts = match.slice(1).map(Number);
  return parts.every((part) => part <= 255) ? parts.reduce((sum, part) => sum * 256 + part, 0) : undefined;
}

function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

function firstOf(range: string): number {
  return parseAddress(range.split("/")[0] ?? "") ?? 0;
}
