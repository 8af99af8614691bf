import { parse } from "smol-toml";

/** One package of a Cargo.lock. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** Null: a member of the project itself. */
  readonly source: string | null;
  readonly checksum: string | null;
}

/** The packages of a lockfile; null for anything that is not one. */
export function parseLockfile(text: string): readonly LockedPackage[] | null {
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    return null;
  }
  const list = (document as { package?: unknown }).package ?? [];
  if (!Array.isArray(list)) return null;
  const packages: LockedPackage[] = [];
  for (const entry of list as unknown[]) {
    if (typeof entry !== "object" || entry === null) return null;
    const { name, version, source, checksum } = entry as Record<string, unknown>;
    if (typeof name !== "string" || typeof version !== "string") return null;
    packages.push({ name, version, source: textOf(source), checksum: textOf(checksum) });
  }
  return packages;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
