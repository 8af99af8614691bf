import { findPlace } from "../../deploy/places.js";
import type { Handlers } from "../handlers.js";
import { findLiveVersion } from "../live-version.js";
import type { ApiContext } from "./context.js";
import { createExecHandlers } from "./exec.js";
import { createMountHandlers } from "./mounts.js";

type Noun = Pick<Handlers, "execInApp" | "explainRoute" | "listMounts" | "uploadMount" | "downloadMount">;

/** Looks into environments that run. */
export function createInsideHandlers(context: ApiContext): Noun {
  return {
    ...createExecHandlers(context),
    ...createMountHandlers(context),
    async explainRoute({ params, query }) {
      const place = await findPlace(context.store, params);
      await findLiveVersion(context.store, place);
      return context.explainRoute(place, query);
    },
  };
}
