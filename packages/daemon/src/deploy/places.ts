import { BloomError, formatAppRef, hostNameOf, suggest } from "@bloomery/contract";
import type { Store } from "../store/open-store.js";
import type { App } from "../store/apps.js";
import type { Environment } from "../store/environments.js";
import type { Org } from "../store/orgs.js";

/** One environment with what it belongs to. */
export interface Place {
  readonly org: Org;
  readonly app: App;
  readonly environment: Environment;
}

/** A place, as far as it has names. */
export interface NamedPlace {
  readonly org: Pick<Org, "name">;
  readonly app: Pick<App, "name">;
  readonly environment: Pick<Environment, "name">;
}

export interface PlaceNames {
  readonly org: string;
  readonly app: string;
  readonly environment: string;
}

/** Throws ERR_NOT_FOUND, naming what is near when there is something. */
export async function findOrg(store: Store, name: string): Promise<Org> {
  const org = await store.orgs.getByName(name);
  if (org !== undefined) return org;
  const near = suggest(
    name,
    (await store.orgs.list()).map((one) => one.name),
  );
  throw notFound(`there is no organization ${name}`, near);
}

export async function findApp(
  store: Store,
  names: { org: string; app: string },
): Promise<{ org: Org; app: App }> {
  const org = await findOrg(store, names.org);
  const app = await store.apps.getByName(org.id, names.app);
  if (app !== undefined) return { org, app };
  const near = suggest(
    names.app,
    (await store.apps.list({ orgId: org.id })).map((one) => one.name),
  );
  throw notFound(`there is no app ${formatAppRef(names)}`, near);
}

export async function findPlace(store: Store, names: PlaceNames): Promise<Place> {
  const { org, app } = await findApp(store, names);
  const environment = await store.environments.getByName(app.id, names.environment);
  if (environment !== undefined) return { org, app, environment };
  const present = (await store.environments.list({ appId: app.id })).map(({ name }) => name);
  throw new BloomError("ERR_NOT_FOUND", `${formatAppRef(names)} has no environment ${names.environment}`, {
    hint: present.length === 0 ? "Deploy the app first." : `It has ${present.join(", ")}.`,
  });
}

/** Finds the place, making the app and the environment when they are new; the organization must exist. */
export async function obtainPlace(store: Store, names: PlaceNames): Promise<Place> {
  const org = await findOrg(store, names.org);
  const { app } = await store.apps.ensure({ orgId: org.id, name: names.app });
  const { environment } = await store.environments.ensure({ appId: app.id, name: names.environment });
  return { org, app, environment };
}

export async function placeOfEnvironment(store: Store, environmentId: string): Promise<Place | undefined> {
  const environment = await store.environments.get(environmentId);
  const app = environment === undefined ? undefined : await store.apps.get(environment.appId);
  const org = app === undefined ? undefined : await store.orgs.get(app.orgId);
  if (environment === undefined || app === undefined || org === undefined) return undefined;
  return { org, app, environment };
}

export function namesOf(place: NamedPlace): PlaceNames {
  return { org: place.org.name, app: place.app.name, environment: place.environment.name };
}

/** `app` or `app/staging`, as messages call a place. */
export function formatPlace(names: PlaceNames): string {
  return names.environment === "main" ? formatAppRef(names) : `${formatAppRef(names)}/${names.environment}`;
}

/** Where a browser finds it. */
export function urlOf(
  names: PlaceNames,
  edge: { readonly baseDomain: string; readonly httpPort: number },
): string {
  const port = edge.httpPort === 80 ? "" : `:${edge.httpPort}`;
  return `http://${hostNameOf(names, names.environment, edge.baseDomain)}${port}/`;
}

function notFound(message: string, near: string | undefined): BloomError {
  return new BloomError(
    "ERR_NOT_FOUND",
    message,
    near === undefined ? {} : { hint: `Did you mean \`${near}\`?` },
  );
}
