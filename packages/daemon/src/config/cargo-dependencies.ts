import { joinPath, normalizePath } from "./app-folder.js";

/** A package that another one needs. */
export interface CargoDependency {
  /** The package's own name, whatever it is called here. */
  readonly name: string;
  /** From the app's folder, where it lies in it; null for all others. */
  readonly folder: string | null;
}

/**
 * What a manifest's package is made with, for any platform; not what its tests and its build script use. What a
 * workspace offers to its members counts: which of it a member takes may be called otherwise there.
 */
export function listDependencies(
  manifest: Readonly<Record<string, unknown>>,
  folder: string,
): CargoDependency[] {
  const targets = Object.values(tableIn(manifest, "target"));
  const tables = [manifest, tableIn(manifest, "workspace"), ...targets];
  return tables.flatMap((table) =>
    Object.entries(tableIn(table, "dependencies")).map(([name, wish]) => readDependency(name, wish, folder)),
  );
}

function readDependency(name: string, wish: unknown, folder: string): CargoDependency {
  const { package: renamed, path } = wish as { package?: unknown; path?: unknown };
  return {
    name: typeof renamed === "string" ? renamed : name,
    folder: typeof path === "string" && !path.startsWith("/") ? normalizePath(joinPath(folder, path)) : null,
  };
}

function tableIn(value: unknown, key: string): Readonly<Record<string, unknown>> {
  const inner = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : null;
  return typeof inner === "object" && inner !== null && !Array.isArray(inner)
    ? (inner as Record<string, unknown>)
    : {};
}
