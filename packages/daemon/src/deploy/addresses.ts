import type { AppConfig, TcpAddress } from "@bloomery/contract";
import { urlOf, type PlaceNames } from "./places.js";

/** Where the edge is found by clients. */
export interface EdgeAddress {
  readonly baseDomain: string;
  readonly httpPort: number;
  /** Addresses that the ports of tcp apps are listened on. */
  readonly tcpAddresses: readonly string[];
}

/** How an environment is reached: by browsers at `url`; of a tcp app by its ports, of which `url` names the first. */
export interface Addresses {
  readonly url: string;
  /** Null for every other shape. */
  readonly tcp: TcpAddress[] | null;
}

/** How an environment with this config is reached; no config: nothing has been deployed. */
export function planAddresses(
  names: PlaceNames,
  config: Pick<AppConfig, "tcp"> | undefined,
  edge: EdgeAddress,
): Addresses {
  const tcp = config?.tcp ?? null;
  if (tcp === null) return { url: urlOf(names, edge), tcp: null };
  const host = publicHost(edge);
  const ports = tcp.ports.map(({ port, targetPort, tls }) => ({
    address: `${host}:${port}`,
    port,
    targetPort,
    tls: tls !== null,
  }));
  const [first] = ports;
  return { url: first === undefined ? "" : `tcp://${first.address}`, tcp: ports };
}

/** Every address of the machine is none that a client can type. */
function publicHost({ tcpAddresses, baseDomain }: EdgeAddress): string {
  const [first = "127.0.0.1"] = tcpAddresses;
  if (/^(0\.0\.0\.0|\[?::\]?)$/.test(first)) return baseDomain;
  return first.includes(":") && !first.startsWith("[") ? `[${first}]` : first;
}
