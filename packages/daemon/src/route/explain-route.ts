import type { RouteExplanation, RuleConfig } from "@bloomery/contract";
import { behaviourOf, type Behaviour } from "./behaviour.js";
import { matchPattern, type Match } from "./match-pattern.js";
import { parseRequestPath } from "./parse-request-path.js";
import { readTarget } from "./plan-rewrite.js";
import type { FunctionRoute, RouteTarget } from "./plan-routes.js";
import { findPlace, resolvePlaces, type Place } from "./resolve-places.js";

export type ExplainFacts = Pick<
  RouteTarget,
  "hostNames" | "streams" | "state" | "locations" | "mounts" | "artifactDir" | "function"
>;
export type Found = "file" | "folder" | "nothing";
/** What is at a path below the app's folder, as nginx would see it. */
export type LookUp = (path: string) => Promise<Found>;

type Ending = Pick<RouteExplanation, "outcome" | "status">;

/** nginx's limit is ten inner redirects, and an address takes at least two of them. */
const mostMoves = 5;

/** Which location, rule and file decide about a request; what nginx would do, without asking it. */
export async function explainRoute(
  facts: ExplainFacts,
  request: { readonly url: string; readonly method: string },
  lookUp: LookUp,
): Promise<RouteExplanation> {
  const explanation = new Explanation(request, lookUp, resolvePlaces(facts));
  const { host, path, query } = parseRequestPath(request.url);
  if (facts.streams.length > 0)
    return explanation.end({ outcome: "unknown_host", status: 404 }, sayPorts(facts.streams));
  if (host !== null && !facts.hostNames.includes(host))
    return explanation.end({ outcome: "unknown_host", status: 404 }, `no app is served as ${host}`);
  if (facts.state === "stopped")
    return explanation.end({ outcome: "stopped", status: 503 }, "the app is stopped");
  if (facts.function !== null)
    return explanation.end({ outcome: "app", status: null }, sayFunction(facts.function));
  if (path === null)
    return explanation.end({ outcome: "missing", status: 400 }, "the path is none, or leaves the site");
  return explanation.follow(path, query);
}

function sayPorts(streams: ExplainFacts["streams"]): string {
  const ports = streams.map(({ port }) => port).join(", ");
  return `a tcp app: it has no host name, its clients connect to port ${ports}`;
}

function sayFunction({ access, gate }: FunctionRoute): string {
  const who = access.kind === "anyone" ? "anyone may call" : "bearer needed";
  const held = gate === null ? "" : "; held against its schemas first";
  return `a function: every request goes to the handler, ${who}${held}`;
}

class Explanation {
  readonly #request: { readonly url: string; readonly method: string };
  readonly #lookUp: LookUp;
  readonly #places: readonly Place[];
  readonly #steps: string[] = [];
  #location: RouteExplanation["location"] = null;
  #rule: RouteExplanation["rule"] = null;
  #file: RouteExplanation["file"] = null;
  #rewrittenTo: string | null = null;
  #moves = 0;

  constructor(
    request: { readonly url: string; readonly method: string },
    lookUp: LookUp,
    places: readonly Place[],
  ) {
    this.#request = request;
    this.#lookUp = lookUp;
    this.#places = places;
  }

  end(ending: Ending, step: string): RouteExplanation {
    this.#steps.push(step);
    return {
      url: this.#request.url,
      method: this.#request.method,
      location: this.#location,
      rule: this.#rule,
      file: this.#file,
      ...ending,
      rewrittenTo: this.#rewrittenTo,
      steps: this.#steps,
    };
  }

  async follow(path: string, query: string): Promise<RouteExplanation> {
    const place = findPlace(this.#places, path);
    if (place === undefined)
      return this.end({ outcome: "missing", status: 404 }, "no location covers the path");
    const { rule, match } = this.#findRule(place, path);
    this.#noteDecision(place, rule);
    const behaviour = behaviourOf(place.location, rule);
    const found = await this.#lookAt(place, path);
    const isReading = ["GET", "HEAD"].includes(this.#request.method);
    if (place.folder !== null && behaviour.allow) {
      if (!isReading && behaviour.passthru !== false)
        return this.#fall(place, behaviour, match, query, found);
      if (found === "file") return this.#serve(isReading);
    }
    const index = found === "folder" ? await this.#findIndex(place, path) : undefined;
    if (index === undefined) return this.#fall(place, behaviour, match, query, found);
    if (!path.endsWith("/") && this.#moves === 0)
      return this.end({ outcome: "static", status: 301 }, `the folder has ${index}; on to ${path}/`);
    if (++this.#moves > mostMoves) return this.#giveUp();
    this.#steps.push(`the folder's index is ${index}, a request of its own`);
    return this.follow(`${path.replace(/\/$/, "")}/${index}`, query);
  }

  #findRule(place: Place, path: string): { rule: RuleConfig | null; match: Match } {
    for (const rule of place.location.rules) {
      const match = matchPattern(rule.pattern, path);
      if (match === undefined)
        this.#steps.push(`the rule ${rule.pattern} can only be tried by nginx; taken as not matching`);
      else if (match !== null) return { rule, match };
    }
    return { rule: null, match: null };
  }

  /** The first decision is the one that is asked for. */
  #noteDecision({ locationPrefix, location }: Place, rule: RuleConfig | null): void {
    const path = locationPrefix === "" ? "/" : locationPrefix;
    const number = rule === null ? 0 : location.rules.indexOf(rule) + 1;
    this.#steps.push(`location ${path}${rule === null ? "" : `, rule ${number}: ${rule.pattern}`}`);
    if (this.#location !== null) return;
    this.#location = { path, root: location.root };
    this.#rule = rule === null ? null : { number, pattern: rule.pattern };
  }

  async #lookAt({ folder, prefix }: Place, path: string): Promise<Found> {
    if (folder === null) {
      this.#file = null;
      this.#steps.push("no root, so no files");
      return "nothing";
    }
    const file = `${folder.path}${path.slice(prefix.length)}`.replace(/^\/+/, "");
    const at = await this.#lookUp(file.replace(/\/+$/, ""));
    const found = at === "file" && file.endsWith("/") ? "nothing" : at;
    this.#file = { path: file, found };
    this.#steps.push(`${file === "" ? "the app's folder" : file}: ${found}`);
    return found;
  }

  async #findIndex(place: Place, path: string): Promise<string | undefined> {
    const folder = `${place.folder?.path ?? ""}${path.slice(place.prefix.length)}`.replace(/^\/+|\/+$/g, "");
    for (const name of place.location.index) {
      if ((await this.#lookUp(folder === "" ? name : `${folder}/${name}`)) === "file") return name;
    }
    return undefined;
  }

  #serve(isReading: boolean): RouteExplanation {
    if (isReading) return this.end({ outcome: "static", status: 200 }, "allowed, so the file is served");
    const status = this.#request.method === "OPTIONS" ? 204 : 405;
    return this.end({ outcome: "forbidden", status }, "files can only be read");
  }

  #fall(
    place: Place,
    behaviour: Behaviour,
    match: Match,
    query: string,
    found: Found,
  ): Promise<RouteExplanation> | RouteExplanation {
    if (behaviour.passthru === true)
      return this.end({ outcome: "app", status: null }, "passthru, so the app answers");
    if (behaviour.passthru !== false) return this.#rewrite(behaviour, behaviour.passthru, match, query);
    if (place.folder !== null && found !== "nothing")
      return this.end({ outcome: "forbidden", status: 403 }, "not allowed and no passthru");
    return this.end({ outcome: "missing", status: 404 }, "nothing there and no passthru");
  }

  #rewrite(
    behaviour: Behaviour,
    passthru: string,
    match: Match,
    query: string,
  ): Promise<RouteExplanation> | RouteExplanation {
    if (++this.#moves > mostMoves) return this.#giveUp();
    const target = readTarget(passthru, behaviour.pattern);
    const write = (piece: { text: string; capture?: number }, escape: (text: string) => string): string =>
      piece.capture === undefined ? piece.text : escape(match?.[piece.capture] ?? "");
    const path = target.path.map((piece) => write(piece, escapePath)).join("");
    const own = target.query.map((piece) => write(piece, escapeQuery)).join("");
    const all = [own, query].filter((part) => part !== "").join("&");
    this.#rewrittenTo = `${path}${all === "" ? "" : `?${all}`}`;
    this.#steps.push(`led on to ${this.#rewrittenTo}`);
    const next = parseRequestPath(path);
    if (next.path === null || /(?:^|\/)\.\.?(?:\/|$)/.test(decodeURI(path)))
      return this.end({ outcome: "missing", status: 404 }, "the address climbs out of the site");
    return this.follow(next.path, all);
  }

  #giveUp(): RouteExplanation {
    return this.end({ outcome: "missing", status: 500 }, "the addresses lead in a circle");
  }
}

/** What nginx escapes in a path, and in what a rule has caught for a query. */
function escapePath(text: string): string {
  return escapeBytes(text, /[\0-\x20#%?\x7f-\xff]/g);
}

function escapeQuery(text: string): string {
  return escapeBytes(text, /[\0-\x20#%&+;?\x7f-\xff]/g);
}

function escapeBytes(text: string, unsafe: RegExp): string {
  const hex = (byte: string): string => byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");
  return Buffer.from(text)
    .toString("latin1")
    .replace(unsafe, (byte) => `%${hex(byte)}`);
}
