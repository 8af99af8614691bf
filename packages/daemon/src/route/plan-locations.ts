import { behaviourOf } from "./behaviour.js";
import type { NginxFeatures } from "./nginx-modules.js";
import { hop, openBehaviourBook, planBodyLimit, type BehaviourBook } from "./plan-behaviours.js";
import { planNamedLocations } from "./plan-named-locations.js";
import type { RouteTarget } from "./plan-routes.js";
import { quoteNginx, quoteNginxValue } from "./quote-nginx.js";
import { readPattern } from "./read-pattern.js";
import { resolvePlaces, type Place } from "./resolve-places.js";

export interface PlannedLocations {
  /** For the http block. */
  readonly maps: readonly string[];
  /** For the server block. */
  readonly lines: readonly string[];
}

/** Up to here every prefix has blocks of its own, which serve a file a little faster than a map finds it. */
const mostBlocks = 8;

/**
 * The location blocks of one app that runs. Where prefixes are few, each decides in a block of its own. Every block
 * costs nginx time at each reload, so where they are many, one map stands for all of them, and says which file is
 * meant and who decides: named blocks that prefixes share.
 */
export function planLocations(
  target: RouteTarget,
  upstream: string,
  features: NginxFeatures,
): PlannedLocations {
  const book = openBehaviourBook(features);
  const resolved = resolvePlaces(target);
  if (resolved.length <= mostBlocks) {
    const lines = resolved.flatMap((place) => planPlace(place, planDecision(place, book)));
    return { maps: [], lines: [...lines, ...book.lines, ...planNamedLocations(book.ways, upstream, target)] };
  }
  const places = resolved.map((place) => ({ place, next: chooseNext(place, book) }));
  const limit = places[0]?.place.location.requestBuffering.maxBodyBytes;
  // nginx looks at a body's length before it looks at anything else of a request, so a limit takes a block.
  const limited = places
    .filter(({ place }) => place.location.requestBuffering.maxBodyBytes !== limit)
    .map(({ place }) => `${place.prefix}/`);
  const own = places.filter(
    ({ place: { prefix } }) => prefix === "" || limited.some((one) => `${prefix}/`.startsWith(one)),
  );
  const mapped = places.filter((one) => !own.includes(one));
  const map = `$${upstream}_places`;
  const [root] = own;
  return {
    maps: mapped.length === 0 || root === undefined ? [] : planMap(map, [...mapped, root]),
    lines: [
      ...own.flatMap(({ place, next }) =>
        place.prefix === "" && mapped.length > 0
          ? planMapped(place, [...mapped, { place, next }], map)
          : planPlace(place, hop(next)),
      ),
      ...book.lines,
      ...planNamedLocations(book.ways, upstream, target),
    ],
  };
}

interface PlacedNext {
  readonly place: Place;
  readonly next: string;
}

/** What stands for each prefix. nginx takes a tenth of a millisecond to read a map, however short it is. */
function planMap(name: string, places: readonly PlacedNext[]): readonly string[] {
  const prefixes = places.map(({ place }) => place.prefix);
  // nginx compares texts in a map without regard to case.
  const isUnclear = new Set(prefixes.map((prefix) => prefix.toLowerCase())).size < prefixes.length;
  return [
    `map $bloom_prefix ${name} {`,
    "\tvolatile;",
    ...places.map(({ place: { prefix, folder }, next }) => {
      const key = quoteNginx(isUnclear ? `~^${escapeText(prefix)}\\z` : prefix);
      const file = folder === null ? "" : `${quoteNginxValue(folder.source).slice(1, -1)}$bloom_rest`;
      return `\t${key} "${next}|${file}";`;
    }),
    "}",
  ];
}

/**
 * Finds the longest prefix, which ends at a segment: `/docs` covers `/docs` and `/docs/a` but not `/docsearch`. All
 * are in one expression or, when they are too many for a word, in several, of which the last that matches counts.
 */
function planSearch(places: readonly PlacedNext[]): readonly string[] {
  const prefixes = places.map(({ place }) => place.prefix).toSorted((a, b) => b.length - a.length);
  return joinWords(prefixes.map(escapeText))
    .toReversed()
    .map((words) => `(?s)^(?<bloom_prefix>${words})(?<bloom_rest>(?:/.*)?)\\z`)
    .map((regex) => `if ($uri ~ ${quoteNginx(regex)}) { set $bloom_place ""; }`);
}

/** Alternatives of an expression, in as few words as nginx can read. */
function joinWords(words: readonly string[]): readonly string[] {
  const joined: string[] = [];
  for (const word of words) {
    const last = joined.at(-1);
    if (last === undefined || last.length + word.length > 1500) joined.push(word);
    else joined[joined.length - 1] = `${last}|${word}`;
  }
  return joined;
}

function escapeText(text: string): string {
  return text.replace(/[^A-Za-z0-9/_-]/gu, escapeLetter);
}

function escapeLetter(letter: string): string {
  return letter > "\x7f" ? letter : `\\${letter}`;
}

function planMapped({ location }: Place, places: readonly PlacedNext[], map: string): readonly string[] {
  return [
    "location / {",
    ...[
      ...planBodyLimit(location.requestBuffering),
      ...planSearch(places),
      `set $bloom_place ${map};`,
      "set $bloom_file $bloom_place_file;",
      ...hop("$bloom_place_next"),
    ].map(indent),
    "}",
  ];
}

/** A place as a block of its own, which takes two: one for the prefix itself and one for what is below. */
function planPlace({ prefix, location, folder }: Place, decision: readonly string[]): readonly string[] {
  const block = (match: string, file: string | undefined): readonly string[] => [
    `location ${match} {`,
    ...planBodyLimit(location.requestBuffering).map(indent),
    ...(file === undefined
      ? []
      : [`\talias ${quoteNginxValue(file)};`, "\tset $bloom_file $request_filename;"]),
    ...decision.map(indent),
    "}",
  ];
  const below = block(quoteNginx(`${prefix}/`), folder === null ? undefined : `${folder.source}/`);
  return prefix === "" ? below : [...block(`= ${quoteNginx(prefix)}`, folder?.source), ...below];
}

/**
 * Who decides: the first rule that matches, else the location itself. Conditions and not a map: an expression that
 * gives up then ends the request with 500, where a map would go on as if it had not matched.
 */
function planRules(place: Place, book: BehaviourBook): readonly string[] {
  return place.location.rules.map((rule) => {
    const next = book.enter(place, behaviourOf(place.location, rule));
    return `if ($uri ~ ${quoteNginx(readPattern(rule.pattern).pattern)}) { ${hop(next).join(" ")} }`;
  });
}

/** The decision in a block of the place's own. */
function planDecision(place: Place, book: BehaviourBook): readonly string[] {
  return [...planRules(place, book), ...book.decide(place, behaviourOf(place.location, null))];
}

/** The same in a named block that is shared. */
function chooseNext(place: Place, book: BehaviourBook): string {
  const own = book.enter(place, behaviourOf(place.location, null));
  const rules = planRules(place, book);
  return rules.length === 0 ? own : book.name([...rules, ...hop(own)]);
}

function indent(line: string): string {
  return `\t${line}`;
}
