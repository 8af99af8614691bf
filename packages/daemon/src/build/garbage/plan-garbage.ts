/** What is kept of what builds leave. */
export interface GarbageLimits {
  /** So many of the latest versions of each app can be gone back to. */
  readonly versions: number;
  /** Whatever was used within this time stays; a deployment under way may be about to use it. */
  readonly youngMs: number;
  /** Templates that nobody used for so long go. */
  readonly templateIdleMs: number;
  /** Beyond this, templates go that were not used for the longest time. */
  readonly templateBytes: number;
}

const hour = 3_600_000;

export const garbageLimits: GarbageLimits = Object.freeze({
  versions: 10,
  youngMs: 24 * hour,
  templateIdleMs: 30 * 24 * hour,
  templateBytes: 20 * 1024 ** 3,
});

export interface VersionFacts {
  readonly appId: string;
  /** From 1, per app. */
  readonly number: number;
  readonly artifact: string;
  readonly tree: string;
  /** Some environment serves it, or will when it is started again. */
  readonly isLive: boolean;
}

export interface GarbageFacts {
  readonly now: number;
  readonly versions: readonly VersionFacts[];
  readonly artifacts: readonly { readonly digest: string; readonly usedAt: number }[];
  readonly templates: readonly { readonly key: string; readonly usedAt: number; readonly bytes: number }[];
}

export interface GarbagePlan {
  readonly artifacts: readonly string[];
  readonly templates: readonly string[];
  /** Source trees to keep; all other old ones go. */
  readonly keepTrees: ReadonlySet<string>;
}

/** Decides what goes: what no kept version needs, and templates that have outlived their use. */
export function planGarbage(facts: GarbageFacts, limits: GarbageLimits = garbageLimits): GarbagePlan {
  const kept = keepVersions(facts.versions, limits.versions);
  const needed = new Set(kept.map(({ artifact }) => artifact));
  const isYoung = (usedAt: number): boolean => facts.now - usedAt < limits.youngMs;
  return {
    artifacts: facts.artifacts
      .filter(({ digest, usedAt }) => !needed.has(digest) && !isYoung(usedAt))
      .map(({ digest }) => digest),
    templates: planTemplates(facts, limits),
    keepTrees: new Set(kept.map(({ tree }) => tree)),
  };
}

function keepVersions(versions: readonly VersionFacts[], count: number): VersionFacts[] {
  const latest = new Map<string, number[]>();
  for (const { appId, number } of versions) latest.set(appId, [...(latest.get(appId) ?? []), number]);
  const first = new Map(
    [...latest].map(([appId, numbers]) => [appId, numbers.toSorted((a, b) => b - a)[count - 1] ?? 0]),
  );
  return versions.filter(({ appId, number, isLive }) => isLive || number >= (first.get(appId) ?? 0));
}

function planTemplates({ now, templates }: GarbageFacts, limits: GarbageLimits): string[] {
  const remove: string[] = [];
  let bytes = 0;
  for (const template of templates.toSorted((a, b) => b.usedAt - a.usedAt)) {
    const idle = now - template.usedAt;
    const isTooMuch = bytes + template.bytes > limits.templateBytes;
    if (idle >= limits.youngMs && (idle > limits.templateIdleMs || isTooMuch)) remove.push(template.key);
    else bytes += template.bytes;
  }
  return remove;
}
