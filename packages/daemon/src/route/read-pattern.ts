/** A rule's expression with names of ours, and the groups its author named. */
export interface ReadPattern {
  /** Fit for nginx, which makes a variable of each name: a group called `uri` would be refused. */
  readonly pattern: string;
  /** Name → number of the group. */
  readonly names: ReadonlyMap<string, number>;
  readonly groups: number;
}

const name = "[A-Za-z_][A-Za-z0-9_]*";
/** Each token of PCRE in which a bracket or a name may stand. */
const token = new RegExp(
  [
    String.raw`(?<quoted>\\Q[\s\S]*?(?:\\E|$))`,
    String.raw`(?<reference>\\[kg](?:<(?<r1>${name})>|'(?<r2>${name})'|\{(?<r3>${name})\}))`,
    String.raw`(?<escape>\\[\s\S])`,
    String.raw`(?<set>\[\^?\]?(?:\[:\^?\w+:\]|\\[\s\S]|[^\]\\])*\])`,
    String.raw`(?<comment>\(\?#[^)]*\))`,
    String.raw`(?<named>\(\?(?:P?<(?<n1>${name})>|'(?<n2>${name})'))`,
    String.raw`(?<call>\(\?(?:P[=>]|&)(?<c1>${name})\))`,
    String.raw`(?<condition>\(\?\((?:<(?<d1>${name})>|'(?<d2>${name})'|(?<d3>(?!R\b|DEFINE\))${name}))\))`,
    String.raw`(?<special>\([?*])`,
    String.raw`(?<group>\()`,
  ].join("|"),
  "g",
);

/** Gives the named groups of an expression names of ours, everywhere they are used. */
export function readPattern(pattern: string): ReadPattern {
  const names = new Map<string, number>();
  let groups = 0;
  for (const { groups: found = {} } of pattern.matchAll(token)) {
    const own = found["n1"] ?? found["n2"];
    if (own !== undefined || found["group"] !== undefined) groups++;
    if (own !== undefined && !names.has(own)) names.set(own, groups);
  }
  const renamed = pattern.replace(token, (text, ...rest) => {
    const found = rest.at(-1) as Readonly<Record<string, string | undefined>>;
    const used = ["n1", "n2", "r1", "r2", "r3", "c1", "d1", "d2", "d3"]
      .map((key) => found[key])
      .find((one) => one !== undefined);
    const number = used === undefined ? undefined : names.get(used);
    if (used === undefined || number === undefined) return text;
    const at = text.lastIndexOf(used);
    return `${text.slice(0, at)}bloom_g${number}${text.slice(at + used.length)}`;
  });
  return { pattern: renamed, names, groups };
}
