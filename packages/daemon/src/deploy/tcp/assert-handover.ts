import { BloomError, type AppConfig } from "@bloomery/contract";
import { needsStopStart, targetPorts } from "../../run/plan-tcp.js";
import type { Store } from "../../store/open-store.js";
import type { Fleet } from "../fleet.js";
import type { Place } from "../places.js";
import { findLiveRelease } from "../releases.js";

type Listening = Pick<AppConfig, "tcp" | "network">;

export interface HandoverParts {
  readonly store: Store;
  readonly fleet: Pick<Fleet, "live">;
  /** True when instances can have addresses of their own. */
  readonly hasNetwork: boolean;
}

/**
 * Throws ERR_PORT_TAKEN when the version that runs stands in the way of the next one: what a tcp app listens on itself,
 * in the machine's network, nginx cannot open before it has ended, and the other way round.
 */
export async function assertHandover(parts: HandoverParts, place: Place, next: AppConfig): Promise<void> {
  if (next.tcp === null || parts.fleet.live(place.environment.id).length === 0) return;
  const release = await findLiveRelease(parts.store, place);
  const version = release === undefined ? undefined : await parts.store.versions.get(release.versionId);
  if (version === undefined) return;
  const obstacle = findObstacle(version.config, next, parts.hasNetwork);
  if (obstacle === undefined) return;
  throw new BloomError("ERR_PORT_TAKEN", obstacle, {
    hint: "`bloom stop APP`, then deploy again; nobody is served in between.",
  });
}

/** In words; undefined when the one can follow the other. */
export function findObstacle(running: Listening, next: Listening, hasNetwork: boolean): string | undefined {
  const [before, after] = [planPorts(running, hasNetwork), planPorts(next, hasNetwork)];
  const kept = before.own.find((port) => after.led.includes(port));
  if (kept !== undefined)
    return `the version that runs listens on port ${kept} itself, so nginx cannot have it for the new one`;
  const held = before.led.find((port) => after.own.includes(port));
  if (held === undefined) return undefined;
  return `nginx has port ${held} for the version that runs, so the new one cannot listen on it itself`;
}

/** Ports of the machine that the app listens on itself, and those that nginx opens for it. */
function planPorts(
  { tcp, network }: Listening,
  hasNetwork: boolean,
): { readonly own: readonly number[]; readonly led: readonly number[] } {
  if (tcp === null) return { own: [], led: [] };
  const isOnMachine = needsStopStart({ tcp, network }, hasNetwork);
  const led = tcp.ports.filter(({ port, targetPort }) => !isOnMachine || port !== targetPort);
  return { own: isOnMachine ? targetPorts(tcp) : [], led: led.map(({ port }) => port) };
}
