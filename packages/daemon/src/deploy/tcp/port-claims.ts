import { formatTarget, type PortHolder } from "../../route/assert-ports.js";
import type { RouteTarget } from "../../route/plan-routes.js";

/** Ports that deployments have found free and will open; two at a time must not find the same one so. */
export interface PortClaims {
  /**
   * Takes the target's ports in place of what its environment had claimed before. When deployments of others have
   * claimed some of them nothing is taken, and those are told.
   */
  claim(target: RouteTarget): Promise<readonly PortHolder[]>;
}

/** A claim holds for as long as its environment is being changed: after that the environment has the port, or wants it no more. */
export function createPortClaims(isChanging: (environmentId: string) => Promise<boolean>): PortClaims {
  const claims = new Map<number, RouteTarget>();

  /** The first claim of another one that holds. Those that do not are forgotten. */
  const findRival = async (target: RouteTarget): Promise<PortHolder | undefined> => {
    for (const { port } of target.streams) {
      const rival = claims.get(port);
      if (rival === undefined || rival.environmentId === target.environmentId) continue;
      const isValid = await isChanging(rival.environmentId);
      if (isValid)
        return { port, holder: formatTarget(rival), instead: "wait for what its deployment comes to" };
      if (claims.get(port) === rival) claims.delete(port);
    }
    return undefined;
  };
  const isContested = ({ environmentId, streams }: RouteTarget): boolean =>
    streams.some(({ port }) => (claims.get(port)?.environmentId ?? environmentId) !== environmentId);

  return {
    async claim(target) {
      // While one claim was looked into, another may have been made.
      do {
        const rival = await findRival(target);
        if (rival !== undefined) return [rival];
      } while (isContested(target));
      for (const [port, { environmentId }] of claims)
        if (environmentId === target.environmentId) claims.delete(port);
      for (const { port } of target.streams) claims.set(port, target);
      return [];
    },
  };
}
