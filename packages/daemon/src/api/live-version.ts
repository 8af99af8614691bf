import { BloomError } from "@bloomery/contract";
import { formatPlace, namesOf, type Place } from "../deploy/places.js";
import type { Store } from "../store/open-store.js";
import type { Version } from "../store/versions.js";

/** The version an environment serves. Throws ERR_NOTHING_DEPLOYED. */
export async function findLiveVersion(store: Pick<Store, "versions">, place: Place): Promise<Version> {
  const { liveVersionId } = place.environment;
  const version = liveVersionId === null ? undefined : await store.versions.get(liveVersionId);
  if (version !== undefined) return version;
  throw new BloomError("ERR_NOTHING_DEPLOYED", `${formatPlace(namesOf(place))} has no release yet`);
}
