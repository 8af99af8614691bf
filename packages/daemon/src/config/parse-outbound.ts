import type { OutboundRule } from "@bloomery/contract";
import { isHostName } from "./host-name.js";
import { parseNetwork, type Refused } from "./parse-network.js";

const examples = '"db.example.com:5432" or "10.0.0.0/8"';

/** Reads `db.example.com:5432`, `api.example.com:8000-8100`, `192.0.2.7` or `10.0.0.0/8:443`. */
export function parseOutbound(text: string): OutboundRule | Refused {
  if (text.includes("*")) {
    return {
      wrong: `a name with * stands for no address that could be let through; write each name, or a network, such as ${examples}`,
    };
  }
  if (text.includes("://")) {
    return {
      wrong: `an address of the web is more than a place to connect to; write its host and its port, such as ${examples}`,
    };
  }
  const [host = "", written, ...more] = text.split(":");
  if (more.length > 0) {
    return {
      wrong: `this is not a host with a port, and instances do not connect by IPv6; write a name, an IPv4 address or a network, such as ${examples}`,
    };
  }
  const ports = written === undefined ? null : parsePorts(written);
  if (ports !== null && "wrong" in ports) return ports;
  const wrong = findHostProblem(host);
  return wrong === null ? { host: host.toLowerCase(), ports } : { wrong };
}

function findHostProblem(host: string): string | null {
  // Nobody has a name that ends in a number: an address is meant.
  const isAddress = host.includes("/") || /(?:^|\.)\d+$/.test(host);
  if (isAddress) {
    const found = parseNetwork(host);
    return "wrong" in found ? found.wrong : null;
  }
  if (isHostName(host)) return null;
  return `${JSON.stringify(host.slice(0, 60))} is not a host name; write one with letters, digits, hyphens and dots, or an address, such as ${examples}`;
}

/** `443`, or `8000-8100`. */
function parsePorts(text: string): readonly [number, number] | Refused {
  const [, from, to = from] = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from === undefined || first > 65_535 || last > 65_535) {
    return { wrong: 'a port is a number from 1 to 65535; write ":443", or ":8000-8100" for those between' };
  }
  if (first <= last) return [first, last];
  return { wrong: `the last port comes before the first; write ":${last}-${first}"` };
}
