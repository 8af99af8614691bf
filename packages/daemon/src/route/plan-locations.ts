import { join } from "node:path";
import { BloomError, type LocationConfig } from "@bloomery/contract";
import type { RouteTarget } from "./plan-routes.js";
import { quoteNginx, quoteNginxValue } from "./quote-nginx.js";
import { planPage } from "./error-pages.js";

/** Statuses nobody sees: they only carry a request from one location to another. */
const toLive = 418;
const toApp = 419;

/**
 * The location blocks of one app that runs. nginx picks the longest prefix; a prefix ends at a segment, so
 * `/docs` covers `/docs` and `/docs/a` but not `/docsearch`, which takes two blocks.
 */
export function planLocations(target: RouteTarget, upstream: string): readonly string[] {
  const locations = new Map<string, LocationConfig>();
  for (const [path, location] of Object.entries(target.locations)) locations.set(trimPrefix(path), location);
  if (!locations.has("")) locations.set("", { root: null, passthru: locations.size === 0, allow: false });
  return [...locations]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([prefix, location]) => {
      const folder = planFolder(target.artifactDir, location);
      const below = [
        `location ${quoteNginx(`${prefix}/`)} {`,
        ...planBody(location, folder, upstream).map(indent),
        "}",
      ];
      if (prefix === "") return below;
      // Without the slash the prefix names the folder itself, which is never a file.
      const itself = location.passthru
        ? planProxy(upstream)
        : folder === null
          ? planMissing()
          : ["return 403;"];
      return [`location = ${quoteNginx(prefix)} {`, ...itself.map(indent), "}", ...below];
    });
}

/**
 * Locations that those of `planLocations` jump to, with the jumps. Each costs nginx memory and time at every
 * reload, so what no location leads to is left out.
 */
export function planNamedLocations(locations: readonly string[], upstream: string): readonly string[] {
  const leadsTo = (word: string): boolean => locations.some((line) => line.includes(word));
  return [
    // Only what nginx itself gives up on; answers of the app pass untouched.
    "error_page 502 @bloom_unreachable;",
    "error_page 504 @bloom_slow;",
    `error_page ${toLive} = @bloom_live;`,
    ...(leadsTo(`return ${toApp};`) ? [`error_page ${toApp} = @bloom_app;`] : []),
    ...(leadsTo("@bloom_app") ? ["location @bloom_app {", ...planPass(upstream).map(indent), "}"] : []),
    ...(leadsTo("404;")
      ? [
          "error_page 404 @bloom_missing;",
          "location @bloom_missing {",
          ...planPage("missing").map(indent),
          "}",
        ]
      : []),
    // Upgraded connections and event streams live long and pass every byte on at once. nginx takes no
    // variables for these settings, hence a location of their own.
    "location @bloom_live {",
    "\tproxy_read_timeout 1h;",
    "\tproxy_send_timeout 1h;",
    "\tproxy_buffering off;",
    ...planPass(upstream).map(indent),
    "}",
    "location @bloom_unreachable {",
    ...planPage("unreachable").map(indent),
    "}",
    "location @bloom_slow {",
    ...planPage("slow").map(indent),
    "}",
  ];
}

function planBody(location: LocationConfig, folder: string | null, upstream: string): readonly string[] {
  if (folder === null || (location.passthru && !location.allow)) {
    return location.passthru ? planProxy(upstream) : planMissing();
  }
  const alias = `alias ${quoteNginxValue(`${folder}/`)};`;
  if (!location.allow) return [alias, "if (-f $request_filename) { return 403; }", "return 404;"];
  if (!location.passthru) return [alias, "index .bloom-none;", "try_files $uri $uri/ =404;"];
  return [
    `if ($bloom_live) { return ${toLive}; }`,
    `if ($bloom_writes) { return ${toApp}; }`,
    alias,
    "try_files $uri @bloom_app;",
  ];
}

function planProxy(upstream: string): readonly string[] {
  return [`if ($bloom_live) { return ${toLive}; }`, ...planPass(upstream)];
}

/** Without a path in the address nginx passes the request line on exactly as it came. */
function planPass(upstream: string): readonly string[] {
  return [`proxy_pass http://${upstream}$bloom_once;`];
}

/** Ends in @bloom_missing by the server's error_page. */
function planMissing(): readonly string[] {
  return ["return 404;"];
}

function planFolder(artifactDir: string | null, location: LocationConfig): string | null {
  if (artifactDir === null || location.root === null) return null;
  const folder = join(artifactDir, location.root).replace(/\/+$/, "");
  if (folder === artifactDir || folder.startsWith(`${artifactDir}/`)) return folder;
  throw new BloomError("ERR_INTERNAL", `the root \`${location.root}\` leaves the app's tree`);
}

function trimPrefix(path: string): string {
  if (!path.startsWith("/"))
    throw new BloomError("ERR_INTERNAL", `the location \`${path}\` does not start with a slash`);
  return path.replace(/\/+$/, "");
}

function indent(line: string): string {
  return `\t${line}`;
}
