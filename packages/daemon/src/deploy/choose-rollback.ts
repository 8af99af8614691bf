import { BloomError } from "@bloomery/contract";
import type { Store } from "../store/open-store.js";
import type { Version } from "../store/versions.js";
import { formatPlace, namesOf, type Place } from "./places.js";
import { findLiveRelease } from "./releases.js";

/** The named version, or the one this environment served before its live one. Throws when there is none. */
export async function chooseRollback(store: Store, place: Place, number: number | null): Promise<Version> {
  const live = await findLiveRelease(store, place);
  if (number !== null) {
    const version = await store.versions.getByNumber(place.app.id, number);
    if (version !== undefined) return version;
    throw new BloomError("ERR_NOT_FOUND", `${formatPlace(namesOf(place))} has no version ${number}`, {
      hint: "`bloom versions APP` lists the versions.",
    });
  }
  // The newest version older than the live one that this environment has served: going back twice goes further.
  const current = live === undefined ? undefined : await store.versions.get(live.versionId);
  const deployments = await store.deployments.list({ environmentId: place.environment.id, limit: 1000 });
  const served = new Set(
    deployments.filter(({ state }) => state === "live" || state === "superseded").map((one) => one.versionId),
  );
  const versions = await store.versions.list({ appId: place.app.id, limit: 1000 });
  const version = versions
    .filter((one) => current !== undefined && one.number < current.number && served.has(one.id))
    .sort((a, b) => b.number - a.number)[0];
  if (version === undefined) {
    throw new BloomError(
      "ERR_NOTHING_TO_ROLL_BACK",
      `${formatPlace(namesOf(place))} has no version before the live one`,
    );
  }
  return version;
}
