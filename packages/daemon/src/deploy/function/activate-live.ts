import { BloomError } from "@bloomery/contract";
import type { Fleet } from "../fleet.js";
import { formatPlace, namesOf, placeOfEnvironment } from "../places.js";
import { findLiveRelease } from "../releases.js";
import type { Store } from "../../store/open-store.js";
import type { Activation } from "./ports.js";

/** Finds what runs already; starts and ends nothing. */
export function activateLive(store: Store, fleet: Pick<Fleet, "live">): Activation {
  return {
    async wake(environmentId) {
      const place = await placeOfEnvironment(store, environmentId);
      const release = place === undefined ? undefined : await findLiveRelease(store, place);
      const ready = fleet.live(environmentId).find((one) => one.status.state === "ready");
      if (release !== undefined && ready !== undefined) {
        return { instance: ready, version: release.versionNumber, startUs: null };
      }
      const name = place === undefined ? environmentId : formatPlace(namesOf(place));
      throw new BloomError("ERR_NOT_READY", `no instance of ${name} is ready`);
    },
    sleep: () => Promise.resolve(),
    isAsleep: (environmentId) => fleet.live(environmentId).length === 0,
  };
}
