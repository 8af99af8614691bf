import { connect, type Socket } from "node:net";
import { BloomError } from "@bloomery/contract";
import type { Store } from "../store/open-store.js";
import { machineAddress, type Edge, type ServedEnvironment } from "./edge.js";
import { formatPlace, namesOf, placeOfEnvironment } from "./places.js";
import { planServed } from "./served.js";
import type { RelayPath } from "./tcp/plan-streams.js";

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
  readonly relayPath: RelayPath;
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
    const { tcp } = version.config;
    const announced = tcp?.ports.find(({ targetPort }) => targetPort === port)?.proxyProtocol ?? null;
    const onMachine: Way =
      announced === "v2" ? { path: parts.relayPath(environmentId, port) } : { host: machineAddress, port };
    const ways = [
      ...parts.edge.route(served).upstreams.map((one): Way =>
        // Without a network of its own a tcp app listens on the machine's.
        one.kind === "tcp" ? { host: one.address, port } : tcp === null ? { path: one.path } : onMachine,
      ),
      ...parts.backupPaths(served, port).map((path) => ({ path })),
    ];
    let cause: unknown;
    for (const way of ways) {
      try {
        const socket = await open(way);
        if (announced !== null) socket.write(announce(socket, port));
        return socket;
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

/** What nginx says first, which the app waits for: whose connection it is. This one is the machine's own. */
function announce({ localPort = 0 }: Socket, port: number): string {
  return `PROXY TCP4 ${machineAddress} ${machineAddress} ${localPort} ${port}\r\n`;
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
