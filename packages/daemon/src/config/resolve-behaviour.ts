import {
  hasControlCharacters,
  type LocationBehaviour,
  type ManifestPath,
  type PlatformApp,
  type Problem,
} from "@bloomery/contract";
import { findHeaderProblem } from "./check-headers.js";
import { manifestProblem, type ManifestFile } from "./manifest-file.js";
import { textAt } from "./source.js";

export type WrittenLocation = NonNullable<NonNullable<PlatformApp["web"]>["locations"]>[string];
type WrittenRule = NonNullable<WrittenLocation["rules"]>[string];

interface Resolved {
  /** Only what is written. */
  readonly behaviour: Partial<LocationBehaviour>;
  readonly problems: readonly Problem[];
}

/** In milliseconds. */
const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  M: 30 * 86_400_000,
  y: 365 * 86_400_000,
};

/** Clients read nothing larger. */
const mostSeconds = 2 ** 31 - 1;
const longestPassthru = 1000;

/** What locations and rules have in common. */
export function resolveBehaviour(
  manifest: ManifestFile<unknown>,
  path: ManifestPath,
  written: WrittenRule,
): Resolved {
  const { passthru, allow, expires } = written;
  const headers = resolveHeaders(manifest, [...path, "headers"], written.headers);
  const problems = [...headers.problems];
  if (typeof passthru === "string" && !isTarget(passthru)) {
    const message = `the address may have at most ${longestPassthru} characters and no control characters; write one such as "/index.html"`;
    problems.push(manifestProblem(manifest, "error", [...path, "passthru"], message));
  }
  const behaviour = {
    ...(passthru === undefined ? {} : { passthru }),
    ...(allow === undefined ? {} : { allow }),
    ...(expires === undefined ? {} : { expiresSeconds: parseExpires(expires) }),
    ...(headers.headers === undefined ? {} : { headers: headers.headers }),
  };
  return { behaviour, problems };
}

function isTarget(target: string): boolean {
  return target.length <= longestPassthru && !hasControlCharacters(target);
}

/** Whole seconds, never more than was written; -1 is "not at all". */
function parseExpires(expires: number | string): number {
  if (typeof expires === "number") return Math.min(expires, mostSeconds);
  const match = /^(\d+)([a-zA-Z]*)$/.exec(expires);
  if (match === null) return -1;
  const milliseconds =
    Number(match[1]) * (units[match[2] === undefined || match[2] === "" ? "s" : match[2]] ?? 1000);
  return Math.min(Math.floor(milliseconds / 1000), mostSeconds);
}

function resolveHeaders(
  manifest: ManifestFile<unknown>,
  path: ManifestPath,
  written: WrittenRule["headers"],
): { headers: Readonly<Record<string, string>> | undefined; problems: readonly Problem[] } {
  if (written === undefined) return { headers: undefined, problems: [] };
  const problems: Problem[] = [];
  const seen = new Map<string, string>();
  const headers = Object.entries(written).map(([name, value]): [string, string] => {
    const at = [...path, name];
    const text = typeof value === "string" ? value : (textAt(manifest.source, at) ?? String(value));
    const twin = seen.get(name.toLowerCase());
    seen.set(name.toLowerCase(), name);
    const why =
      twin === undefined
        ? findHeaderProblem(name, text)
        : `this and "${twin}" are the same header; keep one of them`;
    if (why !== null) problems.push(manifestProblem(manifest, "error", at, why, "key"));
    return [name, text];
  });
  return { headers: Object.fromEntries(headers), problems };
}
