import { posix } from "node:path";
import { asTable, type TomlTable } from "../toml-table.js";
import { listDependencies } from "./dependency-tables.js";

/**
 * What a manifest takes from outside of the code that was sent. `folder` is the manifest's own, `.` for the root;
 * `sdkPath` is outside by intention.
 */
export function findOutside(
  manifest: TomlTable,
  folder: string,
  options: { readonly hasWorkspace: boolean; readonly sdkPath: string },
): { readonly path: readonly string[]; readonly message: string }[] {
  const { hasWorkspace, sdkPath } = options;
  const leaves = (path: unknown): boolean =>
    typeof path === "string" &&
    path !== sdkPath &&
    (path.startsWith("/") || /^\.\.(\/|$)/.test(posix.join(folder, path)));
  const problems: { path: readonly string[]; message: string }[] = [];
  const crate = asTable(manifest["package"]);
  if (leaves(crate["workspace"])) {
    problems.push({
      path: ["package", "workspace"],
      message: "the workspace is not part of the code; remove this line",
    });
  }
  for (const { path, key, table } of listDependencies(manifest)) {
    if (leaves(table["path"])) {
      const place = String(table["path"]);
      problems.push({
        path,
        message: `${key} is taken from ${place}, which is not part of the code; send it too, below the function's folder`,
      });
    }
    if (table["workspace"] !== true || hasWorkspace) continue;
    problems.push({
      path,
      message: `${key} is taken from a workspace that is not part of the code; write its version`,
    });
  }
  if (hasWorkspace) return problems;
  for (const [name, value] of Object.entries(crate)) {
    if (asTable(value)["workspace"] !== true) continue;
    const message = `${name} is taken from a workspace that is not part of the code; write it out`;
    problems.push({ path: ["package", name], message });
  }
  if (asTable(manifest["lints"])["workspace"] === true) {
    const message =
      "the lints are taken from a workspace that is not part of the code; write them out, or remove them";
    problems.push({ path: ["lints", "workspace"], message });
  }
  return problems;
}
