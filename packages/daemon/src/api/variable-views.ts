import type { VariableView } from "@bloomery/contract";
import { formatJson } from "../config/platform-documents.js";
import { findLiveRelease } from "../deploy/releases.js";
import type { Place } from "../deploy/places.js";
import { tryOpen, type Secrets } from "../release/secrets.js";
import type { Store } from "../store/open-store.js";

/**
 * The manifest's variables, then the owner's, each with whether one of a higher level hides it. A sensitive value
 * never leaves the daemon.
 */
export async function listVariableViews(
  store: Store,
  secrets: Pick<Secrets, "open">,
  place: Place,
): Promise<VariableView[]> {
  const release = await findLiveRelease(store, place);
  const version = release === undefined ? undefined : await store.versions.get(release.versionId);
  const ofManifest = {
    level: "manifest",
    sensitive: false,
    visibleBuild: true,
    visibleRuntime: true,
  } as const;
  const { variables = {}, platformVariables = {} } = version?.config ?? {};
  const manifest: VariableView[] = [
    ...Object.entries(variables).map(([name, value]) => ({ name, value, json: false })),
    ...Object.entries(platformVariables).map(([name, value]) => ({
      name,
      value: typeof value === "string" ? value : formatJson(value),
      json: typeof value !== "string",
    })),
  ].map((one) => ({ ...one, ...ofManifest, overridden: false, updatedAt: null }));
  const appId = place.app.id;
  const ofApp = await store.variables.list({ appId, environmentId: null });
  const closest = await store.variables.list({ appId, environmentId: place.environment.id });
  const hiding = new Set(closest.map(({ name }) => name));
  const rows = [...ofApp, ...closest].sort((one, other) =>
    one.name < other.name ? -1 : one.name > other.name ? 1 : 0,
  );
  const own = rows.map((row): VariableView => ({
    name: row.name,
    value: row.sensitive ? null : tryOpen(secrets, row.value),
    sensitive: row.sensitive,
    json: row.json,
    visibleBuild: row.visibleBuild,
    visibleRuntime: row.visibleRuntime,
    level: row.environmentId === null ? "app" : "environment",
    overridden: row.environmentId === null && hiding.has(row.name),
    updatedAt: row.updatedAt,
  }));
  const inForce = own.filter(({ overridden }) => !overridden);
  return [...manifest.map((one) => markHidden(one, inForce)), ...own];
}

/** One that is replaced at run time only still holds in builds, and the other way round. */
function markHidden(one: VariableView, own: readonly VariableView[]): VariableView {
  const over = own.find(({ name }) => name === one.name);
  if (over === undefined) return one;
  const visible = { visibleBuild: !over.visibleBuild, visibleRuntime: !over.visibleRuntime };
  return visible.visibleBuild || visible.visibleRuntime
    ? { ...one, ...visible }
    : { ...one, overridden: true };
}
