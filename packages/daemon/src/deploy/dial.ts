import { connect, type Socket } from "node:net";
import { BloomError, type AppConfig } from "@bloomery/contract";
import type { InstanceAddress } from "../run/engines/engine.js";
import type { Store } from "../store/open-store.js";
import { machineAddress, type Edge, type ServedEnvironment } from "./edge.js";
import { formatPlace, namesOf, placeOfEnvironment } from "./places.js";
import { planServed } from "./served.js";

/**
 * Connects to an app as nginx does: to a port that it listens on, or to its socket, where the port does not count.
 * Throws ERR_APP_STOPPED, ERR_NOTHING_DEPLOYED or ERR_APP_UNREACHABLE.
 */
export type Dial = (environmentId: string, port: number) => Promise<Socket>;

/** A connection is made in no time, or it is not made. */
const connectMs = 5000;

export interface DialParts {
  readonly store: Store;
  readonly edge: Pick<Edge, "route">;
  /** Where nginx turns to when the names of an environment lead nowhere; `port`: only for this one of the app. */
  readonly backupPaths: (environment: ServedEnvironment, port?: number) => readonly string[];
}

export function createDial(parts: DialParts): Dial {
  return async (environmentId, port) => {
    const place = await placeOfEnvironment(parts.store, environmentId);
    const { liveVersionId = null } = place?.environment ?? {};
    const version = liveVersionId === null ? undefined : await parts.store.versions.get(liveVersionId);
    if (place === undefined || version === undefined)
      throw new BloomError("ERR_NOTHING_DEPLOYED", "there is no release to connect to yet");
    const name = formatPlace(namesOf(place));
    if (place.environment.desired === "stopped")
      throw new BloomError("ERR_APP_STOPPED", `${name} is stopped, so there is nothing to connect to`);
    const served = planServed(place, version.config, "");
    const ways = [
      ...parts.edge.route(served).upstreams.map((one) => wayTo(one, version.config, port)),
      ...parts.backupPaths(served, port).map((path) => ({ path })),
    ];
    let cause: unknown;
    for (const way of ways) {
      try {
        return await open(way);
      } catch (error) {
        // What the backup says matters least: as a rule nobody is there.
        cause ??= error;
      }
    }
    throw new BloomError("ERR_APP_UNREACHABLE", `nothing of ${name} accepts a connection at present`, {
      cause,
    });
  };
}

type Way = { readonly host: string; readonly port: number } | { readonly path: string };

function wayTo(upstream: InstanceAddress, { tcp }: Pick<AppConfig, "tcp">, port: number): Way {
  if (upstream.kind === "tcp") return { host: upstream.address, port };
  // Without a network of its own a tcp app listens on the machine's.
  return tcp === null ? { path: upstream.path } : { host: machineAddress, port };
}

function open(way: Way): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...way, allowHalfOpen: true, noDelay: true, timeout: connectMs });
    const late = (): void => void socket.destroy(new Error("nothing answered in time"));
    // Stays: an error that comes before somebody reads must not end the daemon.
    socket.on("error", reject).once("timeout", late);
    socket.once("connect", () => resolve(socket.off("timeout", late).setTimeout(0)));
  });
}
