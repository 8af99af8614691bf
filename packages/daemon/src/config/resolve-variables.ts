import { variableName, type JsonValue, type ManifestPath, type Problem } from "@bloomery/contract";
import { containerProperty } from "./container.js";
import { manifestProblem, type ManifestFile } from "./manifest-file.js";
import type { ProjectParts } from "./parts.js";
import { formatJson, isReservedVariable } from "./platform-documents.js";
import { textAt } from "./source.js";
import { toJson } from "./to-json.js";
import { suggestNear } from "./suggest-near.js";

interface Resolved {
  readonly variables: Readonly<Record<string, string>>;
  readonly platformVariables: Readonly<Record<string, JsonValue>>;
  readonly problems: readonly Problem[];
}

interface Written {
  readonly manifest: ManifestFile<unknown>;
  readonly path: ManifestPath;
  /** As the app will see it. */
  readonly name: string;
  readonly value: unknown;
}

/** Variables of both manifests; `[env]` replaces those of the yaml. */
export function resolveVariables(parts: ProjectParts): Resolved {
  const written = [...fromPlatformApp(parts), ...fromBloomToml(parts)];
  const others = listPrefixed(parts);
  const problems = [...others.problems, ...written.flatMap(checkVariable), ...checkTwins(written)];
  const variables = Object.fromEntries(written.map((variable) => [variable.name, toText(variable)]));
  return { variables, platformVariables: others.variables, problems };
}

/** Names below `env` are upper-cased, as their authors expect it of this file. */
function fromPlatformApp({ yaml }: ProjectParts): Written[] {
  const { value = {}, path } = containerProperty(yaml, "variables");
  return Object.entries(value["env"] ?? {}).map(([name, inner]) => ({
    manifest: yaml,
    path: [...path, "env", name],
    name: name.toUpperCase(),
    value: inner,
  }));
}

function fromBloomToml({ toml }: ProjectParts): Written[] {
  return Object.entries(toml.data.env ?? {}).map(([name, value]) => ({
    manifest: toml,
    path: ["env", name],
    name,
    value,
  }));
}

/** `prefix:name`, with values as they are. They are part of a JSON document, so any name is fine. */
function listPrefixed({ yaml }: ProjectParts): {
  variables: Readonly<Record<string, JsonValue>>;
  problems: readonly Problem[];
} {
  const { value = {}, path } = containerProperty(yaml, "variables");
  const prefixes = Object.entries(value).filter(([prefix]) => prefix !== "env");
  const entries = prefixes.flatMap(([prefix, names]) =>
    Object.entries(names).map(([name, inner]): [string, JsonValue] => [`${prefix}:${name}`, toJson(inner)]),
  );
  const problems = prefixes
    .filter(([prefix]) => suggestNear(prefix, ["env"]) !== undefined)
    .map(([prefix]) => {
      const message = `variables outside env are found in PLATFORM_VARIABLES only; did you mean "env"?`;
      return manifestProblem(yaml, "warning", [...path, prefix], message, "key");
    });
  return { variables: Object.fromEntries(entries), problems };
}

function checkVariable(variable: Written): Problem[] {
  const { manifest, path, name } = variable;
  if (!variableName.safeParse(name).success) {
    const better = name.replace(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)|^$/, "_");
    const message = `a variable's name has letters, digits and underscores and begins with no digit; write "${better.slice(0, 128)}"`;
    return [manifestProblem(manifest, "error", path, message, "key")];
  }
  if (toText(variable).includes("\0")) {
    return [
      manifestProblem(
        manifest,
        "error",
        path,
        "a variable cannot hold the character NUL; write another value",
      ),
    ];
  }
  if (isReservedVariable(name)) {
    const message = `the platform sets ${name} itself, so this has no effect; use another name`;
    return [manifestProblem(manifest, "warning", path, message, "key")];
  }
  return [];
}

/** `log` and `LOG` would be one variable. */
function checkTwins(written: readonly Written[]): Problem[] {
  const seen = new Map<string, Written>();
  return written.flatMap((variable) => {
    const key = `${variable.manifest.file}:${variable.name}`;
    const first = seen.get(key);
    seen.set(key, first ?? variable);
    if (first === undefined) return [];
    const message = `this and "${String(first.path.at(-1))}" are both the variable ${variable.name}; keep one of them`;
    return [manifestProblem(variable.manifest, "error", variable.path, message, "key")];
  });
}

/** Numbers as they were written, so that 1.10 stays 1.10; lists and maps as JSON. */
function toText({ manifest, path, value }: Written): string {
  if (typeof value === "string") return value;
  if (typeof value === "object" && value !== null) return formatJson(toJson(value));
  const written = typeof value === "number" ? textAt(manifest.source, path) : undefined;
  return written === undefined
    ? String(value)
    : manifest.source.format === "toml"
      ? written.replaceAll("_", "")
      : written;
}
