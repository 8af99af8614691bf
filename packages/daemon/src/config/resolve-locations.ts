import type { LocationConfig, PlatformApp, Problem } from "@bloomery/contract";
import { manifestProblem, type ManifestFile } from "./manifest-file.js";

interface Resolved {
  readonly locations: Readonly<Record<string, LocationConfig>>;
  readonly problems: readonly Problem[];
}

type Written = NonNullable<NonNullable<PlatformApp["web"]>["locations"]>[string];

/** Everything to the app. */
const everything: LocationConfig = { root: null, passthru: true, allow: true };

/** `web.locations` with its defaults; `/` is always there. */
export function resolveLocations(yaml: ManifestFile<PlatformApp>): Resolved {
  const problems: Problem[] = [];
  const locations: Record<string, LocationConfig> = { "/": everything };
  for (const [prefix, written] of Object.entries(yaml.data.web?.locations ?? {})) {
    const path = ["web", "locations", prefix];
    const wrong = checkPrefix(prefix);
    if (wrong !== null) problems.push(manifestProblem(yaml, "error", path, wrong, "key"));
    const root = resolveRoot(written.root);
    if (root.problem !== null) problems.push(manifestProblem(yaml, "error", [...path, "root"], root.problem));
    locations[prefix] = toLocation(written, root.folder);
  }
  return { locations, problems };
}

function toLocation({ passthru, allow }: Written, root: string | null): LocationConfig {
  // A path to rewrite to is not followed yet; the app is the nearest thing to it.
  return { root, passthru: passthru !== false, allow: allow ?? true };
}

/** Prefixes end up in nginx's configuration, where these characters would mean something. */
function checkPrefix(prefix: string): string | null {
  if (!prefix.startsWith("/"))
    return `a location begins with /; write "/${prefix.replace(/[^\w/.-]+/g, "")}"`;
  // oxlint-disable-next-line no-control-regex -- they are what is refused
  if (/[\u0000-\u0020\u007f"'{};\\$#]/.test(prefix)) {
    return "a location may not have spaces, quotes, braces, ;, #, $ or backslashes; write the plain path";
  }
  return prefix.split("/").includes("..") ? "a location may not have `..`; write the plain path" : null;
}

function resolveRoot(root: string | undefined): { folder: string | null; problem: string | null } {
  if (root === undefined) return { folder: null, problem: null };
  const bad = (problem: string) => ({ folder: null, problem });
  if (root === "") return bad('the folder is empty; write "root: public", or leave the key out');
  if (root.startsWith("/"))
    return bad(
      `the folder must be relative to the app; write "root: ${root.replace(/^\/+/, "") || "public"}"`,
    );
  const steps = root.split("/").filter((step) => step !== "" && step !== ".");
  if (steps.includes(".."))
    return bad('the folder must be inside the app, without ".."; write "root: public"');
  // oxlint-disable-next-line no-control-regex -- they are what is refused
  if (/[\u0000-\u001f\u007f"'{};\\$]/.test(root)) {
    return bad('the folder may not have quotes, braces, ;, $ or backslashes; write "root: public"');
  }
  return { folder: steps.join("/") || ".", problem: null };
}
