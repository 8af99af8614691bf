import { join } from "node:path";
import type { TcpConfig } from "@bloomery/contract";

/** A port of an app, and the port of its namespace where clients are taken in who are to be announced to it. */
export interface RelayPort {
  readonly port: number;
  readonly at: number;
}

const highestPort = 65_535;

/** The ports of the app whose clients are announced by the PROXY protocol v2, which nginx does not speak, each once. */
export function relayedPorts({ ports }: TcpConfig): readonly number[] {
  const relayed = ports.filter(({ proxyProtocol }) => proxyProtocol === "v2");
  return [...new Set(relayed.map(({ targetPort }) => targetPort))];
}

/** From the highest port down, where the kernel gives none to connections, and never one of the app's own. */
export function planRelays(tcp: TcpConfig): readonly RelayPort[] {
  const own = new Set(tcp.ports.map(({ targetPort }) => targetPort));
  let at = highestPort + 1;
  return relayedPorts(tcp).map((port) => {
    do at--;
    while (own.has(at));
    return { port, at };
  });
}

/** Where clients are taken in when an instance has no namespace. There are never two of such an app at a time. */
export function planRelaySocket(folder: string, environmentId: string, port: number): string {
  return join(folder, `relay-${environmentId}-${port}.sock`);
}
