/** What makes an app a tcp app: a server that speaks raw TCP on ports it has chosen itself. */
export interface TcpConfig {
  /** In the order of the manifest. Empty: what the started program listens on is found out and written to the version. */
  readonly ports: readonly TcpPortConfig[];
}

/** One port that clients reach the app by. */
export interface TcpPortConfig {
  /** The port clients connect to. */
  readonly port: number;
  /** The port the app listens on. */
  readonly targetPort: number;
  /** How the app is told who its client is, before anything else is sent; null: it is not. */
  readonly proxyProtocol: "v1" | "v2" | null;
  /** Files below `/app`, without `./`: clients speak TLS, the app does not. Null: bytes go through as they are. */
  readonly tls: { readonly certificate: string; readonly key: string } | null;
  /** Networks (`10.0.0.0/8`, `2001:db8::/32`) and addresses whose clients are let in; empty: all are. */
  readonly allow: readonly string[];
  /** Connections at a time, of all clients and of one address; null: as many as come. */
  readonly maxConnections: number | null;
  readonly maxConnectionsPerAddress: number | null;
  /** Seconds without a byte in either direction after which a connection ends. */
  readonly idleSeconds: number;
  /** Seconds a connection to an old version may last. */
  readonly drainSeconds: number;
  /** Sent to clients whose connection is cut when that time is over; null: nothing is. */
  readonly goodbye: string | null;
}

/** The config with the ports that the app was found to listen on, where the manifest names none. */
export function withFoundPorts<
  T extends { readonly tcp: TcpConfig | null; readonly web: { readonly drainSeconds: number } },
>(config: T, found: readonly number[] | null): T {
  if (config.tcp === null || config.tcp.ports.length > 0 || found === null) return config;
  const { drainSeconds } = config.web;
  const ports = found.map((port) => completeTcpPort({ port, drainSeconds }));
  return { ...config, tcp: { ...config.tcp, ports } };
}

/** What holds when nobody says anything. Seconds. */
export const tcpPortDefaults = Object.freeze({
  proxyProtocol: null,
  tls: null,
  allow: Object.freeze([]),
  maxConnections: null,
  maxConnectionsPerAddress: null,
  idleSeconds: 3600,
  drainSeconds: 300,
  goodbye: null,
} as const satisfies Partial<TcpPortConfig>);

/** One port as it is when only these keys are written. */
export function completeTcpPort(part: Partial<TcpPortConfig> & Pick<TcpPortConfig, "port">): TcpPortConfig {
  return { targetPort: part.port, ...tcpPortDefaults, ...part };
}
