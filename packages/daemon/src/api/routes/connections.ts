import { connectInput, connectOrder } from "@bloomery/contract";
import { findPlace, formatPlace, type Place, type PlaceNames } from "../../deploy/places.js";
import type { ConnectionFacts } from "../../observe/connections/open-connections.js";
import { beginActivity, recordActivity, type ActivityOrder } from "../activity.js";
import type { Caller } from "../caller.js";
import { choosePort } from "../choose-port.js";
import { carryConnection } from "../connect-stream.js";
import type { Handlers } from "../handlers.js";
import { openLineBody } from "../line-body.js";
import { findLiveVersion } from "../live-version.js";
import type { ApiContext } from "./context.js";

type Noun = Pick<Handlers, "listConnections" | "closeConnection" | "connectToApp">;

export function createConnectionHandlers(context: Pick<ApiContext, "store" | "fleet" | "reach">): Noun {
  const { store, fleet, reach } = context;

  const gather = async (place: Place): Promise<ConnectionFacts> => {
    const { config } = await findLiveVersion(store, place);
    const { environment } = place;
    const live = new Set(fleet.live(environment.id));
    const all = fleet.all().filter(({ environmentId }) => environmentId === environment.id);
    const instances = all.map(async (instance): Promise<ConnectionFacts["instances"][number]> => {
      const release = await store.releases.get(instance.releaseId);
      return {
        id: instance.id,
        version: release?.versionNumber ?? 0,
        release: release?.number ?? 0,
        state: live.has(instance) ? "open" : "draining",
        address: instance.address,
        relays: instance.relays ?? [],
        countOpen: async () => (await instance.refresh().catch(() => instance.status)).connections,
      };
    });
    return {
      shape: config.shape,
      instances: await Promise.all(instances),
      sockets: reach.socketsOf(place, config),
    };
  };

  return {
    async listConnections({ params }) {
      return reach.connections.list(await gather(await findPlace(store, params)));
    },

    async closeConnection({ params }, { caller }) {
      const place = await findPlace(store, params);
      const { connection, ...names } = params;
      const what = `ended the connection ${connection} of ${formatPlace(names)}`;
      const order = describe(caller, place, params, "connection.close", what);
      await recordActivity(store, order, async () =>
        reach.connections.close(await gather(place), connection),
      );
      return { ok: true };
    },

    async *connectToApp({ params }, { caller, raw, signal }) {
      const place = await findPlace(store, params);
      const { config } = await findLiveVersion(store, place);
      const body = openLineBody(raw, { order: connectOrder, input: connectInput });
      const { port: wanted } = await body.order();
      const name = formatPlace(params);
      const port = choosePort(config, name, wanted);
      // What is sent is nobody's business.
      const what = `connected to ${port === null ? name : `port ${port} of ${name}`}`;
      const finish = await beginActivity(store, describe(caller, place, params, "app.connect", what));
      let end: "succeeded" | "failed" | "cancelled" = "cancelled";
      let fault: unknown;
      let leave = (): void => undefined;
      try {
        const socket = await reach.dial(place.environment.id, port ?? 0);
        const local = `${socket.localAddress}:${socket.localPort}`;
        leave = reach.connections.enter({ peer: `bloom connect by ${caller.name}`, local });
        for await (const output of carryConnection(socket, port, body.messages(), signal)) {
          if (output.type === "end" && !signal.aborted) end = "succeeded";
          yield output;
        }
      } catch (error) {
        end = "failed";
        fault = error;
        throw error;
      } finally {
        leave();
        await finish(end, fault);
      }
    },
  };
}

function describe(
  caller: Caller,
  place: Place,
  params: PlaceNames,
  type: string,
  what: string,
): ActivityOrder {
  return {
    type,
    actor: caller.name,
    description: `${caller.name} ${what}`,
    orgId: place.org.id,
    appId: place.app.id,
    environment: place.environment.name,
    parameters: { ...params },
  };
}
