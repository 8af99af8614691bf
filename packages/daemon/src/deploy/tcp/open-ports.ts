import { assertPorts, formatTarget, type PortFacts, type PortHolder } from "../../route/assert-ports.js";
import { assertPortFree, tryBind } from "../../route/find-port-holder.js";
import { installTls, sweepTls, type InstalledTls } from "../../route/install-tls.js";
import type { NginxUser } from "../../route/low-ports.js";
import type { Nginx } from "../../route/open-nginx.js";
import type { RouteTarget, RoutingTable, StreamTarget } from "../../route/plan-routes.js";
import type { ListenAddress } from "../../route/plan-upstream.js";
import type { PortClaims } from "./port-claims.js";

export interface PortParts extends PortFacts {
  readonly nginx: Pick<Nginx, "readHeld">;
  /** Ports that no app may have. */
  readonly platform: readonly PortHolder[];
  readonly claims: PortClaims;
  /** Where nginx finds certificates, and who may read them. */
  readonly tls: { readonly folder: string; readonly owner: NginxUser | null };
  readonly log: { warn(fields: object, text: string): void };
}

/** Routes that nginx will take. */
export interface AdmittedRoutes {
  readonly routes: RoutingTable;
  /** Ports that were left out because they cannot be opened at present. */
  readonly missing: readonly number[];
  /** To be called when nginx has the routes, or has refused them. */
  settle(isInForce: boolean): Promise<void>;
}

/** The public ports of all apps, between what is wanted and what can be opened on this machine. */
export interface TcpPorts {
  /**
   * Throws when the target cannot have its ports: ERR_PORT_TAKEN names who has them. Otherwise they are kept for it
   * until its deployment has ended.
   */
  assertFree(target: RouteTarget, others: readonly RouteTarget[]): Promise<void>;
  /** One port that cannot be opened would keep nginx from everything else: it is left out, and said. */
  admit(routes: RoutingTable): Promise<AdmittedRoutes>;
}

export function createTcpPorts(parts: PortParts): TcpPorts {
  const addresses = parts.stream?.addresses ?? [];

  /** What nginx would have to open anew. */
  const listNew = async (streams: readonly StreamTarget[]): Promise<readonly ListenAddress[]> => {
    if (streams.length === 0) return [];
    const isHeld = await parts.nginx.readHeld();
    const all = streams.flatMap(({ port }) => addresses.map((address) => ({ address, port })));
    return all.filter((address) => !isHeld(address));
  };
  const findMissing = async (routes: RoutingTable): Promise<ReadonlySet<number>> => {
    const missing = new Set<number>();
    for (const { address, port } of await listNew(routes.flatMap(({ streams }) => streams))) {
      const code = await tryBind(address, port);
      if (code === undefined) continue;
      parts.log.warn({ address, port, code }, "a port of a tcp app cannot be opened; it is tried again");
      missing.add(port);
    }
    return missing;
  };
  /** A certificate that is gone takes its ports with it, and nothing else. */
  const install = async (target: RouteTarget): Promise<InstalledTls> => {
    try {
      return await installTls(target, parts.tls.folder, parts.tls.owner);
    } catch (err) {
      parts.log.warn({ err, app: formatTarget(target) }, "an app's certificate cannot be used any more");
      const streams = target.streams.filter(({ tls }) => tls === null);
      return { target: { ...target, streams }, copies: new Map() };
    }
  };
  /** Admissions that nginx has not decided on yet; copies of theirs must not go. */
  let pending = 0;
  let newest = 0;

  return {
    async assertFree(target, others) {
      const held = others.flatMap((other) =>
        other.streams.map(({ port }) => ({
          port,
          holder: formatTarget(other),
          instead: `delete ${formatTarget(other)}`,
        })),
      );
      assertPorts(target, parts, [...parts.platform, ...held]);
      for (const address of await listNew(target.streams)) await assertPortFree(address, "in [[tcp]]");
      const rivals = await parts.claims.claim(target);
      assertPorts(target, parts, rivals);
    },

    async admit(routes) {
      pending++;
      const mine = ++newest;
      const missing = await findMissing(routes.filter(({ state }) => state === "running"));
      const copies = new Set<string>();
      const admitted: RouteTarget[] = [];
      for (const route of routes) {
        const streams = route.streams.filter(({ port }) => !missing.has(port));
        const installed = await install({ ...route, streams });
        for (const copy of installed.copies.keys()) copies.add(copy);
        admitted.push(installed.target);
      }
      const settle = async (isInForce: boolean): Promise<void> => {
        pending--;
        if (isInForce && pending === 0 && mine === newest) await sweepTls(parts.tls.folder, copies);
      };
      return { routes: admitted, missing: [...missing], settle };
    },
  };
}
