import { BloomError, formatAppRef } from "@bloomery/contract";
import { findApp, type Place } from "../../deploy/places.js";
import type { Store } from "../../store/open-store.js";

/** The environment of a function that the Ignite surface speaks of; it knows no other. */
const environmentName = "main";

/**
 * The function of this name, with its environment made when it is new. Throws ERR_NOT_FOUND, and
 * ERR_INVALID_ARGUMENT for an app of another shape.
 */
export async function findFunction(store: Store, params: { org: string; app: string }): Promise<Place> {
  const { org, app } = await findApp(store, params);
  if ((await store.functions.get(app.id)) === undefined) {
    const [version] = await store.versions.list({ appId: app.id, limit: 1 });
    if (version !== undefined && version.config.function === null)
      throw new BloomError("ERR_INVALID_ARGUMENT", `${formatAppRef(params)} is not a function`, {
        hint: "It is deployed with `bloom deploy`; functions have names of their own.",
      });
  }
  const found = await store.environments.getByName(app.id, environmentName);
  const wish = { appId: app.id, name: environmentName };
  const environment = found ?? (await store.environments.ensure(wish)).environment;
  return { org, app, environment };
}
