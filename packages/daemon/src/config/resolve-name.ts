import { appName, suggestAppName, type Problem } from "@bloomery/contract";
import { renderExample } from "./describe-value.js";
import { manifestProblem, type ManifestFile } from "./manifest-file.js";
import type { LoadConfigOptions, ProjectParts } from "./parts.js";
import { fileProblem } from "./source.js";

interface Resolved {
  readonly name: string;
  readonly problems: readonly Problem[];
}

/** What Platform.sh takes for a name and only its underscores keep from being one here; longer ones would be cut. */
const foreignName = /^[a-z][a-z0-9_-]{0,26}[a-z0-9]$/;

/**
 * The app's name. What somebody wrote as the app's name must be one; a crate's or a folder's name was not meant as one
 * and is brought into its form. So is one that .platform.app.yaml may have elsewhere, because that file is not ours.
 */
export function resolveName(parts: ProjectParts, options: LoadConfigOptions): Resolved {
  const { toml, yaml, cargo } = parts;
  if (options.appName !== undefined) return checkGiven(options.appName);
  if (toml.data.name !== undefined) return checkWritten(toml, toml.data.name);
  if (yaml.data.name !== undefined) return checkForeign(yaml, yaml.data.name);
  const derived =
    toml.data.build?.package ?? cargo.root?.name ?? options.folderName ?? cargo.members[0]?.name ?? "app";
  return { name: suggestAppName(derived), problems: [] };
}

function checkGiven(name: string): Resolved {
  const why = whyNot(name);
  if (why === null) return { name, problems: [] };
  const message = `the app name "${name}" cannot be used: ${why}; use "${suggestAppName(name)}"`;
  return { name, problems: [fileProblem(".", message)] };
}

function checkWritten(manifest: ManifestFile<unknown>, name: string): Resolved {
  const why = whyNot(name);
  if (why === null) return { name, problems: [] };
  const write = renderExample("name", suggestAppName(name), manifest.source.format);
  return { name, problems: [manifestProblem(manifest, "error", ["name"], `${why}; write ${write}`)] };
}

function checkForeign(manifest: ManifestFile<unknown>, written: string): Resolved {
  if (whyNot(written) === null || !foreignName.test(written)) return checkWritten(manifest, written);
  const name = suggestAppName(written);
  const message = `"${written}" cannot be part of a host name, so the app is called "${name}" here`;
  return { name, problems: [manifestProblem(manifest, "warning", ["name"], message)] };
}

function whyNot(name: string): string | null {
  const result = appName.safeParse(name);
  return result.success ? null : (result.error.issues[0]?.message ?? "it is not a name");
}
