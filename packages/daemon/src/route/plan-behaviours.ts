import { manifestDefaults, type RequestBufferingConfig } from "@bloomery/contract";
import type { Behaviour } from "./behaviour.js";
import type { NginxFeatures } from "./nginx-modules.js";
import { planRewrite, hasCaptures } from "./plan-rewrite.js";
import { planStaticAnswer } from "./plan-static.js";
import { quoteNginxValue } from "./quote-nginx.js";
import type { Place } from "./resolve-places.js";

/** Named locations that many places of one app lead to; equal ones are written once. */
export interface BehaviourBook {
  /** Where a request goes that this behaviour decides: a named location, or a variable that holds one. */
  enter(place: Place, behaviour: Behaviour): string;
  /** The same for a block that stands for the place itself and has said where its files are: it goes nowhere first. */
  decide(place: Place, behaviour: Behaviour): readonly string[];
  /** The block of these directives. */
  name(directives: readonly string[]): string;
  /** The blocks of all that was entered. */
  readonly lines: readonly string[];
  /** How the app takes its requests; `$bloom_app<n>` leads to the n-th. */
  readonly ways: readonly RequestBufferingConfig[];
}

/** What is decided one after the other: the file itself, a file of the folder, and what else. */
export function openBehaviourBook(features: NginxFeatures): BehaviourBook {
  const names = new Map<string, string>();
  const lines: string[] = [];
  const ways: RequestBufferingConfig[] = [];

  /** Names a block; the same directives have the same name. */
  const name = (directives: readonly string[]): string => {
    const key = directives.join("\n");
    const known = names.get(key);
    if (known !== undefined) return known;
    const own = `@b${names.size}`;
    names.set(key, own);
    lines.push(`location ${own} {`, ...directives.map((line) => `\t${line}`), "}");
    return own;
  };
  const app = ({ enabled, maxBodyBytes }: RequestBufferingConfig): string => {
    let at = ways.findIndex((way) => way.enabled === enabled && way.maxBodyBytes === maxBodyBytes);
    if (at < 0) at = ways.push({ enabled, maxBodyBytes }) - 1;
    return `$bloom_app${at}`;
  };

  /** When no file answers. */
  const fall = (place: Place, { passthru, pattern }: Behaviour): string => {
    if (passthru === true) return app(place.location.requestBuffering);
    if (passthru === false && place.folder === null) return name(["return 404;"]);
    if (passthru === false) {
      const refuse = hop(name(["deny all;"])).join(" ");
      return name([...planMountCare(place), `if (-e $bloom_file) { ${refuse} }`, "return 404;"]);
    }
    return name(planRewrite(passthru, hasCaptures(passthru, pattern) ? pattern : null));
  };

  /** A file that stands for the folder that is asked for; it is a request of its own, with rules of its own. */
  const enterIndex = (place: Place, behaviour: Behaviour): string => {
    const { index } = place.location;
    const next = fall(place, behaviour);
    if (place.folder === null || index.length === 0) return next;
    return name([
      ...planMountCare(place),
      'set $bloom_index "";',
      ...index
        .toReversed()
        .map((file) => `if (-f "$bloom_file/${inner(file)}") { set $bloom_index ${quoteNginxValue(file)}; }`),
      'if ($bloom_step = "slash") { return 301 $bloom_folder_url; }',
      'if ($bloom_step = "index") { set $bloom_uri $bloom_first; rewrite "(?s)^(.*?)/?\\z" $1/$bloom_index last; }',
      ...hop(next),
    ]);
  };

  /** The file itself; `file` is what nginx calls it in this block. */
  const serve = (place: Place, behaviour: Behaviour, file: string): readonly string[] => [
    // A file takes no writes; whoever is next may.
    ...(behaviour.passthru === false
      ? []
      : [`if ($bloom_writes) { ${hop(fall(place, behaviour)).join(" ")} }`]),
    ...planMountCare(place),
    `try_files ${file} ${enterIndex(place, behaviour)};`,
    ...planStaticAnswer(behaviour, features),
  ];
  const mayServe = (place: Place, behaviour: Behaviour): boolean => place.folder !== null && behaviour.allow;

  const enter = (place: Place, behaviour: Behaviour): string => {
    if (!mayServe(place, behaviour)) return enterIndex(place, behaviour);
    const limit = planBodyLimit(place.location.requestBuffering);
    return name([...limit, "root /;", ...serve(place, behaviour, "$bloom_file")]);
  };
  const decide = (place: Place, behaviour: Behaviour): readonly string[] =>
    mayServe(place, behaviour) ? serve(place, behaviour, "$uri") : hop(enterIndex(place, behaviour));
  return { enter, decide, name, lines, ways };
}

/** Goes on at a named location. */
export function hop(next: string): readonly string[] {
  return [`set $bloom_next ${next};`, "return 420;"];
}

/** What differs from the limit that holds everywhere. */
export function planBodyLimit({ maxBodyBytes }: RequestBufferingConfig): readonly string[] {
  if (maxBodyBytes === manifestDefaults.maxBodyBytes) return [];
  return [`client_max_body_size ${maxBodyBytes >= Number.MAX_SAFE_INTEGER ? 0 : maxBodyBytes};`];
}

/** A mount changes while the app runs, by whatever it writes, and the app may have planted links there. */
function planMountCare({ folder }: Place): readonly string[] {
  if (folder === null || folder.mount === null) return [];
  return ["open_file_cache off;", `disable_symlinks on ${quoteNginxValue(`from=${folder.mount}`)};`];
}

function inner(text: string): string {
  return quoteNginxValue(text).slice(1, -1);
}
