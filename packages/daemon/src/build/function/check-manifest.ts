import { asTable, type TomlTable } from "../toml-table.js";

/** What the overlay writes into must be what cargo would take for it. */
const tables: readonly (readonly string[])[] = [
  ["package"],
  ["lib"],
  ["dependencies"],
  ["workspace"],
  ["profile"],
  ["profile", "release"],
];

export interface ManifestProblem {
  readonly path: readonly string[];
  readonly message: string;
}

/** Mistakes with which nothing can be planned: no package, no name, a value where a table belongs. */
export function checkManifest(manifest: TomlTable): ManifestProblem[] {
  const misplaced = tables.filter((path) => !isTableOrNothing(find(manifest, path)));
  if (misplaced.length > 0) {
    return misplaced.map((path) => ({
      path,
      message: `${path.join(".")} must be a table: [${path.join(".")}]`,
    }));
  }
  if (manifest["bin"] !== undefined && !isListOfTables(manifest["bin"])) {
    return [{ path: ["bin"], message: "programs are written as [[bin]], with two brackets" }];
  }
  const name = asTable(manifest["package"])["name"];
  if (typeof name === "string" && name !== "") return [];
  if (manifest["package"] !== undefined) {
    return [{ path: ["package"], message: '[package] has no name; add `name = "…"`' }];
  }
  const message =
    manifest["workspace"] === undefined
      ? "there is no [package]; `cargo init --lib` writes one"
      : "this is a workspace without a package of its own; send the folder of the function's package";
  return [{ path: [], message }];
}

function find(table: TomlTable, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => asTable(at)[name], table);
}

function isTableOrNothing(value: unknown): boolean {
  return (
    value === undefined ||
    (typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date))
  );
}

function isListOfTables(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => one !== undefined && isTableOrNothing(one));
}
