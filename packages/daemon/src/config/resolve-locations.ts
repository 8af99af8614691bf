import {
  completeLocation,
  parseProxySize,
  type LocationConfig,
  type ManifestPath,
  type Problem,
  type RuleConfig,
} from "@bloomery/contract";
import { checkPattern } from "./check-pattern.js";
import { manifestProblem, type ManifestFile } from "./manifest-file.js";
import type { ProjectParts } from "./parts.js";
import { resolveBehaviour, type WrittenLocation } from "./resolve-behaviour.js";

/** A location and where it is written. */
export interface ManifestLocation {
  readonly manifest: ManifestFile<unknown>;
  readonly path: ManifestPath;
  /** Begins with `/` and, except for `/` itself, does not end with one. */
  readonly prefix: string;
  readonly written: WrittenLocation;
}

interface Resolved {
  readonly locations: Readonly<Record<string, LocationConfig>>;
  /** The same in the manifest's words. */
  readonly written: readonly ManifestLocation[];
  readonly problems: readonly Problem[];
}

const mostLocations = 1000;
const mostRules = 500;
const longestPath = 500;

/** `web.locations` and `[http.locations]`, of which an entry replaces the one of the same path; `/` is always there. */
export function resolveLocations({ yaml, toml }: ProjectParts): Resolved {
  const problems: Problem[] = [];
  const fromYaml = listLocations(yaml, ["web", "locations"], yaml.data.web?.locations ?? {}, problems);
  const fromToml = listLocations(toml, ["http", "locations"], toml.data.http?.locations ?? {}, problems);
  const written = new Map([...fromYaml, ...fromToml].map((location) => [location.prefix, location]));
  // Everything to the app. Its author says so by writing a start command and nothing else.
  const locations: Record<string, LocationConfig> = { "/": completeLocation({}) };
  for (const location of written.values()) locations[location.prefix] = resolveLocation(location, problems);
  return { locations, written: [...written.values()], problems };
}

function listLocations(
  manifest: ManifestFile<unknown>,
  path: ManifestPath,
  locations: Readonly<Record<string, WrittenLocation>>,
  problems: Problem[],
): ManifestLocation[] {
  const byPrefix = new Map<string, ManifestLocation>();
  const names = Object.entries(locations);
  if (names.length > mostLocations) {
    const message = `there are more than ${mostLocations} locations; join some of them with rules`;
    problems.push(manifestProblem(manifest, "error", path, message));
  }
  for (const [name, written] of names) {
    const at = [...path, name];
    const refuse = (message: string): void => {
      problems.push(manifestProblem(manifest, "error", at, message, "key"));
    };
    const wrong = checkName(name);
    if (wrong !== null) {
      refuse(wrong);
      continue;
    }
    const prefix = `/${name
      .split("/")
      .filter((step) => step !== "")
      .join("/")}`;
    if (!name.startsWith("/")) {
      const message = `a location begins with /; this is taken for "${prefix}", so write that`;
      problems.push(manifestProblem(manifest, "warning", at, message, "key"));
    }
    const twin = byPrefix.get(prefix);
    if (twin === undefined) byPrefix.set(prefix, { manifest, path: at, prefix, written });
    else refuse(`this and "${String(twin.path.at(-1))}" are the same location; keep one of them`);
  }
  return [...byPrefix.values()];
}

/** Prefixes end up in nginx's configuration, where these characters would mean something. */
function checkName(name: string): string | null {
  // oxlint-disable-next-line no-control-regex -- they are what is refused
  if (/[\u0000-\u0020\u007f"'{};\\$#]/.test(name)) {
    return "a location may not have spaces, quotes, braces, ;, #, $ or backslashes; write the plain path";
  }
  if (name.length > longestPath)
    return `a location may have at most ${longestPath} characters; write a shorter one`;
  const steps = name.split("/");
  return steps.includes("..") || steps.includes(".")
    ? "a location may not have `.` or `..` between slashes; write the plain path"
    : null;
}

function resolveLocation({ manifest, path, written }: ManifestLocation, problems: Problem[]): LocationConfig {
  const own = resolveBehaviour(manifest, path, written);
  problems.push(...own.problems);
  const buffering = written.request_buffering ?? {};
  const size = buffering.max_request_size === undefined ? null : parseProxySize(buffering.max_request_size);
  // What is not written is as it is everywhere. `passthru` is true then: the reference says false, but what its
  // platform does, and what a start command asks for, is that the app answers what no file does.
  const { requestBuffering, ...standard } = completeLocation({});
  return {
    ...standard,
    ...own.behaviour,
    root: resolveRoot(manifest, [...path, "root"], written.root, problems),
    index: resolveIndex(manifest, [...path, "index"], written.index ?? [], problems),
    rules: resolveRules(manifest, [...path, "rules"], written.rules ?? {}, problems),
    requestBuffering: {
      enabled: buffering.enabled ?? requestBuffering.enabled,
      // As for nginx, 0 is no limit.
      maxBodyBytes: size === 0 ? Number.MAX_SAFE_INTEGER : (size ?? requestBuffering.maxBodyBytes),
    },
  };
}

function resolveRules(
  manifest: ManifestFile<unknown>,
  path: ManifestPath,
  rules: NonNullable<WrittenLocation["rules"]>,
  problems: Problem[],
): RuleConfig[] {
  const patterns = inWrittenOrder(manifest, path, Object.keys(rules));
  if (patterns.length > mostRules) {
    const message = `there are more than ${mostRules} rules in one location; join some of them`;
    problems.push(manifestProblem(manifest, "error", path, message));
  }
  return patterns.map((pattern) => {
    const at = [...path, pattern];
    const { error, warning } = checkPattern(pattern);
    if (error !== null) problems.push(manifestProblem(manifest, "error", at, error, "key"));
    if (warning !== null) problems.push(manifestProblem(manifest, "warning", at, warning, "key"));
    const { behaviour, problems: wrong } = resolveBehaviour(manifest, at, rules[pattern] ?? {});
    problems.push(...wrong);
    return { pattern, ...behaviour };
  });
}

/** The first rule that matches decides, and JavaScript puts keys that are numbers before all others. */
function inWrittenOrder({ source }: ManifestFile<unknown>, path: ManifestPath, patterns: string[]): string[] {
  if (!patterns.some((pattern) => /^\d+$/.test(pattern))) return patterns;
  const placeOf = (pattern: string) => source.places.find([...source.prefix, ...path, pattern], "key");
  const placed = patterns.map((pattern) => ({ pattern, place: placeOf(pattern) }));
  placed.sort((one, other) => one.place.line - other.place.line || one.place.column - other.place.column);
  return placed.map(({ pattern }) => pattern);
}

function resolveIndex(
  manifest: ManifestFile<unknown>,
  path: ManifestPath,
  names: readonly string[],
  problems: Problem[],
): readonly string[] {
  for (const [at, name] of names.entries()) {
    const isInside = !name.startsWith("/") && !name.split("/").includes("..") && name.length <= longestPath;
    if (isInside) continue;
    const message = 'the file must be below the folder that is asked for; write "index: [index.html]"';
    problems.push(manifestProblem(manifest, "error", [...path, at], message));
  }
  return names;
}

function resolveRoot(
  manifest: ManifestFile<unknown>,
  path: ManifestPath,
  root: string | undefined,
  problems: Problem[],
): string | null {
  if (root === undefined) return null;
  const wrong = checkRoot(root);
  if (wrong !== null) problems.push(manifestProblem(manifest, "error", path, wrong));
  if (root === "") {
    const message =
      'the folder is empty, so this is the app\'s whole folder with its source and its program; write "root: public", or leave the key out';
    problems.push(manifestProblem(manifest, "warning", path, message));
  }
  return root
    .split("/")
    .filter((step) => step !== "" && step !== ".")
    .join("/");
}

function checkRoot(root: string): string | null {
  if (root.startsWith("/"))
    return `the folder must be relative to the app; write "root: ${root.replace(/^\/+/, "") || "public"}"`;
  if (root.split("/").includes(".."))
    return 'the folder must be inside the app, without ".."; write "root: public"';
  if (root.length > longestPath)
    return `the folder may have at most ${longestPath} characters; write a shorter one`;
  // oxlint-disable-next-line no-control-regex -- they are what is refused
  return /[\u0000-\u001f\u007f"'{};\\$]/.test(root)
    ? 'the folder may not have quotes, braces, ;, $ or backslashes; write "root: public"'
    : null;
}
