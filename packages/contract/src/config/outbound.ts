/** Where instances may connect to, when it is not everywhere. */
export interface OutboundRule {
  /** A host name, an IPv4 address or a network such as `10.0.0.0/8`. */
  readonly host: string;
  /** First and last port, of TCP; null: every port of TCP and UDP. */
  readonly ports: readonly [number, number] | null;
}
