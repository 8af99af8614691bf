/** A binary as cargo would find it. */
export interface BinTarget {
  readonly name: string;
  /** Null: `[[bin]]` does not say it. */
  readonly path: string | null;
}

/**
 * A package's binaries: those of `[[bin]]`, and those cargo finds by itself (src/main.rs, src/bin/NAME.rs,
 * src/bin/NAME/main.rs) unless `autobins` is off. `folder` ends with `/` or is empty.
 */
export function listBinTargets(
  manifest: Readonly<Record<string, unknown>>,
  packageName: string,
  paths: readonly string[],
  folder: string,
): BinTarget[] {
  const written = writtenTargets(manifest["bin"]);
  const table = manifest["package"];
  const isAuto = !(
    typeof table === "object" &&
    table !== null &&
    "autobins" in table &&
    table.autobins === false
  );
  const names = new Set(written.map(({ name }) => name));
  const taken = new Set(written.map(({ path }) => path));
  const found = isAuto ? foundTargets(packageName, paths, folder) : [];
  // As cargo does: a file that [[bin]] names under another name is not a second binary.
  const more = found.filter(({ name, path }) => !names.has(name) && !taken.has(path));
  return [...written, ...more];
}

function writtenTargets(bin: unknown): BinTarget[] {
  const tables: unknown[] = Array.isArray(bin) ? bin : [];
  return tables.flatMap((table) => {
    if (typeof table !== "object" || table === null) return [];
    const { name, path } = table as { name?: unknown; path?: unknown };
    if (typeof name !== "string" || name === "") return [];
    return [{ name, path: typeof path === "string" ? path.replace(/^\.\//, "") : null }];
  });
}

function foundTargets(packageName: string, paths: readonly string[], folder: string): BinTarget[] {
  const inside = paths.filter((path) => path.startsWith(folder)).map((path) => path.slice(folder.length));
  return inside.flatMap((path) => {
    if (path === "src/main.rs") return [{ name: packageName, path }];
    const name = /^src\/bin\/([^/]+)(?:\.rs|\/main\.rs)$/.exec(path)?.[1];
    return name === undefined ? [] : [{ name, path }];
  });
}
