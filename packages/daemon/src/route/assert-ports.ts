import { BloomError } from "@bloomery/contract";
import type { NginxProgram } from "./plan-nginx-spec.js";
import type { RouteTarget } from "./plan-routes.js";
import type { StreamFacts } from "./plan-stream.js";

/** A port nobody else may have, and in words whose it is. */
export interface PortHolder {
  readonly port: number;
  /** Such as `local:chat (main)`, or `the platform's API`. */
  readonly holder: string;
  /** What to do, beside choosing another port. */
  readonly instead: string;
}

/** What decides whether ports can be opened at all. */
export interface PortFacts {
  readonly stream: StreamFacts | null;
  readonly program: Pick<NginxProgram, "user" | "setpriv">;
  /** The first port that needs no right. */
  readonly firstOpenPort: number;
}

/** `local:chat (main)` */
export function formatTarget({ org, app, environment }: RouteTarget): string {
  return `${org}:${app} (${environment})`;
}

/**
 * Throws when the target's ports cannot be given to it, whoever listens on them at present: ERR_PORT_TAKEN when
 * another one has them, ERR_MANIFEST_INVALID or ERR_SYSTEM_PACKAGE_MISSING when nginx has no way to do what is asked.
 */
export function assertPorts(target: RouteTarget, facts: PortFacts, holders: readonly PortHolder[]): void {
  if (target.streams.length === 0) return;
  assertStreamable(target, facts.stream);
  const own = new Set<number>();
  for (const { port } of target.streams) {
    if (own.has(port))
      throw new BloomError("ERR_MANIFEST_INVALID", `the app has two tables for port ${port}`);
    own.add(port);
    const taken = holders.find((one) => one.port === port);
    if (taken !== undefined) throw refuseTaken(taken);
    const { user, setpriv } = facts.program;
    if (port < facts.firstOpenPort && user !== null && setpriv === null) throw refuseLow(port, facts);
  }
}

function assertStreamable({ streams }: RouteTarget, facts: StreamFacts | null): void {
  if (facts === null)
    throw new BloomError(
      "ERR_SYSTEM_PACKAGE_MISSING",
      "this nginx cannot pass on raw TCP: it has no stream module",
      {
        hint: "Debian and Ubuntu have it as a package: sudo apt-get install libnginx-mod-stream; then start the daemon again.",
      },
    );
  if (facts.addresses.length === 0)
    throw new BloomError(
      "ERR_PORT_TAKEN",
      "this machine has none of the addresses that tcp apps are served on",
      {
        hint: "Start the platform with --tcp-address and an address that `ip address` shows.",
      },
    );
  if (!facts.tls && streams.some(({ tls }) => tls !== null))
    throw new BloomError(
      "ERR_SYSTEM_PACKAGE_MISSING",
      "this nginx was built without stream_ssl, so it cannot speak TLS for a tcp app",
      { hint: "Install an nginx that has it, as Debian's packages do, or leave `tls` out." },
    );
}

function refuseTaken({ port, holder, instead }: PortHolder): BloomError {
  return new BloomError("ERR_PORT_TAKEN", `port ${port} already belongs to ${holder}`, {
    hint: `Choose another \`port\` in [[tcp]] of bloom.toml, with the program's own as \`target_port\`, or ${instead}.`,
    details: { port, holder },
  });
}

function refuseLow(port: number, { firstOpenPort }: PortFacts): BloomError {
  return new BloomError(
    "ERR_PORT_TAKEN",
    `port ${port} cannot be opened: nginx may not open ports below ${firstOpenPort}`,
    {
      hint: "Install setpriv (package util-linux) and start the platform again, all of it, or choose another `port` in [[tcp]].",
      details: { port },
    },
  );
}
