import { isIP } from "node:net";

/** An address, or a network of them, as it was written. */
export interface Network {
  readonly text: string;
  readonly family: 4 | 6;
}

/** Why a text is none, and what to write instead. */
export interface Refused {
  readonly wrong: string;
}

const bits = { 4: 32, 6: 128 } as const;
const groupBits = { 4: 8, 6: 16 } as const;

/** Reads `192.0.2.7`, `10.0.0.0/8`, `2001:db8::1` or `2001:db8::/32`. */
export function parseNetwork(text: string): Network | Refused {
  const [, address = "", length] = /^([^/]*)(?:\/(.*))?$/.exec(text) ?? [];
  const family = isIP(address);
  if ((family !== 4 && family !== 6) || address.includes("%")) {
    return {
      wrong: `${JSON.stringify(text.slice(0, 60))} is not an address; write one such as "203.0.113.7", or a network such as "10.0.0.0/8"`,
    };
  }
  if (length === undefined) return { text, family };
  const most = bits[family];
  if (!/^(?:0|[1-9]\d{0,2})$/.test(length) || Number(length) > most) {
    return {
      wrong: `the prefix of a network of IPv${family} has a length from 0 to ${most}; write one such as "${family === 4 ? "10.0.0.0/8" : "2001:db8::/32"}"`,
    };
  }
  const start = startOf(address, family, Number(length));
  if (start === numberOf(address, family)) return { text, family };
  return {
    wrong: `a network is written by its first address; write "${formatAddress(start, family)}/${length}", or "${address}" for this address alone`,
  };
}

function startOf(address: string, family: 4 | 6, length: number): bigint {
  const rest = BigInt(bits[family] - length);
  return (numberOf(address, family) >> rest) << rest;
}

function numberOf(address: string, family: 4 | 6): bigint {
  const groups = family === 4 ? address.split(".").map(Number) : groupsOf(address);
  return groups.reduce((sum, group) => (sum << BigInt(groupBits[family])) | BigInt(group), 0n);
}

/** The eight groups of an IPv6 address; one in dots may stand at its end. */
function groupsOf(address: string): number[] {
  const dotted = /[\d.]+$/.exec(address)?.[0] ?? "";
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split(".").map(Number);
  const tail = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  const plain = dotted.includes(".") ? `${address.slice(0, -dotted.length)}${tail}` : address;
  const [before = [], after = []] = plain.split("::").map((part) =>
    part
      .split(":")
      .filter((group) => group !== "")
      .map((group) => Number.parseInt(group, 16)),
  );
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}

function formatAddress(address: bigint, family: 4 | 6): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 255n).join(".");
  const groups = Array.from({ length: 8 }, (_, at) => (address >> BigInt(112 - at * 16)) & 0xffffn);
  // What an address of the web is written like is the shortest form.
  const { hostname } = new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]`);
  return hostname.slice(1, -1);
}
