import { formatManifestPath, type Problem } from "@bloomery/contract";
import { normalizePath } from "./app-folder.js";
import type { AppEntry } from "./list-apps.js";
import type { LoadConfigOptions } from "./parts.js";
import { suggestNear } from "./suggest-near.js";

/** The app that is meant; null when no manifest describes one, or when a problem says why it is not clear. */
export interface ChosenApp {
  readonly app: AppEntry | null;
  readonly problems: readonly Problem[];
}

const mostNamed = 20;

/** By the name that was asked for, else by the folder somebody stood in, else the only one. */
export function chooseApp(apps: readonly AppEntry[], options: LoadConfigOptions): ChosenApp {
  const [first, ...others] = apps;
  if (first === undefined) return { app: null, problems: [] };
  if (others.length === 0) return { app: first, problems: [] };
  const { manifestApp } = options;
  const named = manifestApp === undefined ? [] : apps.filter((app) => labelOf(app) === manifestApp);
  const candidates = manifestApp === undefined ? nearestTo(apps, options.folder) : named;
  const [app, second] = candidates;
  const problems = listTwins(apps, app ?? null);
  if (problems.length > 0) return { app: null, problems };
  if (app !== undefined && second === undefined) return { app, problems: [] };
  return { app: null, problems: [ambiguous(apps, first, manifestApp)] };
}

/** The name an app is chosen by: its own, else that of its folder. */
function labelOf({ name, root, home }: AppEntry): string {
  return name ?? ((root === "" ? (home ?? "") : root).split("/").at(-1) || "app");
}

/** The apps whose folder is the given one or the nearest above it; all when there is none. */
function nearestTo(apps: readonly AppEntry[], folder: string | undefined): readonly AppEntry[] {
  const stood = folder === undefined ? null : normalizePath(folder);
  if (stood === null) return apps;
  const distances = apps.map(({ root, home }) =>
    Math.max(reach(root, stood), home === null ? -1 : reach(home, stood)),
  );
  const best = Math.max(...distances);
  return best < 0 ? apps : apps.filter((_, index) => distances[index] === best);
}

/** How far down a folder goes that is `folder` or above it; -1 when it is not. */
function reach(candidate: string, folder: string): number {
  return candidate === "" || `${folder}/`.startsWith(`${candidate}/`) ? candidate.length : -1;
}

/** Two apps of one name, as far as it matters: nobody is chosen, or one of them is. */
function listTwins(apps: readonly AppEntry[], chosen: AppEntry | null): Problem[] {
  const seen = new Map<string, AppEntry>();
  return apps.flatMap((app) => {
    if (app.name === null || (chosen !== null && app.name !== chosen.name)) return [];
    const first = seen.get(app.name);
    seen.set(app.name, first ?? app);
    if (first === undefined) return [];
    const message = `another app is named "${app.name}" in ${placeName(first)}; give one of them another name`;
    const isKey = typeof app.prefix.at(-1) === "string";
    return [problemOf(app, message, formatManifestPath(isKey ? app.prefix : [...app.prefix, "name"]))];
  });
}

function ambiguous(apps: readonly AppEntry[], first: AppEntry, wanted: string | undefined): Problem {
  const shown = apps.slice(0, mostNamed).map((app) => `${labelOf(app)} (${placeName(app)})`);
  const more = apps.length > mostNamed ? `, and ${apps.length - mostNamed} more` : "";
  const near = wanted === undefined ? undefined : suggestNear(wanted, apps.map(labelOf));
  const advice = near === undefined ? "." : `; did you mean "${near}"?`;
  const lead =
    wanted === undefined
      ? `the project has ${apps.length} apps and nothing says which one is meant`
      : `the project has no app "${wanted}"${advice} It has ${apps.length}`;
  const message = `${lead}: ${shown.join(", ")}${more}; type \`--app-name ${near ?? labelOf(first)}\`, or run the command in the app's folder`;
  return { ...problemOf(first, message, ""), code: "ERR_APP_AMBIGUOUS" };
}

function placeName({ file, place, prefix }: AppEntry): string {
  return prefix.length === 0 ? file : `${place.file ?? file}:${place.line}`;
}

function problemOf({ file, place }: AppEntry, message: string, path: string): Problem {
  const { line, column } = place;
  return { severity: "error", file: place.file ?? file, line, column, path, message };
}
