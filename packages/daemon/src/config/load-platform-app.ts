import { platformAppSchema, type PlatformApp, type Problem } from "@bloomery/contract";
import { modernize } from "./legacy-keys.js";
import { includesOf, type AppEntry } from "./list-apps.js";
import { isBroken, loadManifest, manifestProblem, type ManifestFile } from "./manifest-file.js";
import { parseYaml, type Parsed } from "./parse-yaml.js";
import type { ProjectFiles } from "./project-files.js";
import { problemAt, type Source } from "./source.js";

/** Reads the part of a manifest that describes one app. */
export function loadPlatformApp(files: ProjectFiles, entry: AppEntry): ManifestFile<PlatformApp> {
  const { file, prefix } = entry;
  const yaml = loadManifest(files, {
    file,
    parse: (_, text) => narrow(parseYaml(file, text, includesOf(files, file, prefix)), entry),
    schema: platformAppSchema,
    policy: { unknownKey: "warning" },
    empty: {},
  });
  const [key] = prefix;
  const named = typeof key === "string" ? nameByKey(yaml, key) : yaml;
  return { ...named, problems: [...named.problems, ...remarkOnType(named)] };
}

/** One app of a file with several, in today's words. */
function narrow(parsed: Parsed, { prefix }: AppEntry): Parsed {
  const { source } = parsed;
  if (source === null) return parsed;
  const [step] = prefix;
  const apps = source.value as Readonly<Record<string | number, unknown>> | null;
  const one: Source = step === undefined ? source : { ...source, prefix, value: apps?.[step] ?? {} };
  const modern = modernize(one);
  const others = step === undefined ? [] : Object.keys(apps ?? {}).filter((key) => key !== String(step));
  const isElsewhere = ({ path }: Problem): boolean =>
    others.some((key) => isBelow(path, typeof step === "number" ? `[${key}]` : key));
  return {
    source: modern.source,
    problems: [...parsed.problems.filter((problem) => !isElsewhere(problem)), ...modern.problems],
  };
}

function isBelow(path: string, above: string): boolean {
  return path.startsWith(`${above}.`) || path.startsWith(`${above}[`);
}

/** In a mapping of apps the key is the name. */
function nameByKey(yaml: ManifestFile<PlatformApp>, name: string): ManifestFile<PlatformApp> {
  const written = yaml.data.name;
  const named = { ...yaml, data: { ...yaml.data, name } };
  if (written === undefined || written === name) return named;
  const message = `the app's key is its name, so this has no effect; remove it, or rename the key "${name}"`;
  const problem = problemAt(yaml.source, "warning", ["name"], message);
  return { ...named, problems: [...yaml.problems, problem] };
}

/** The runtime is the one key whose absence other platforms refuse. */
function remarkOnType(yaml: ManifestFile<PlatformApp>): Problem[] {
  if (!yaml.exists || yaml.data.type !== undefined || isBroken(yaml, ["type"])) return [];
  const message = 'the runtime is missing, so the default Rust toolchain is used; write "type: rust:1"';
  return [manifestProblem(yaml, "warning", ["type"], message)];
}
