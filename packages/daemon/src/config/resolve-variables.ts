import { suggest, variableName, type Problem } from "@bloomery/contract";
import { manifestProblem, type ManifestFile } from "./manifest-file.js";
import type { ProjectParts } from "./parts.js";

interface Resolved {
  readonly variables: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
}

interface Written {
  readonly manifest: ManifestFile<unknown>;
  readonly path: readonly string[];
  /** As the app will see it. */
  readonly name: string;
  readonly value: unknown;
}

/** Environment variables of both manifests; `[env]` replaces those of the yaml. */
export function resolveVariables(parts: ProjectParts): Resolved {
  const written = [...fromPlatformApp(parts), ...fromBloomToml(parts)];
  const problems = [...noticePrefixes(parts), ...written.flatMap(checkVariable), ...checkTwins(written)];
  const variables = Object.fromEntries(written.map((variable) => [variable.name, toText(variable)]));
  return { variables, problems };
}

/** Names below `env` are upper-cased, as their authors expect it of this file. */
function fromPlatformApp({ yaml }: ProjectParts): Written[] {
  return Object.entries(yaml.data.variables?.["env"] ?? {}).map(([name, value]) => ({
    manifest: yaml,
    path: ["variables", "env", name],
    name: name.toUpperCase(),
    value,
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

function noticePrefixes({ yaml }: ProjectParts): Problem[] {
  return Object.keys(yaml.data.variables ?? {})
    .filter((prefix) => prefix !== "env")
    .map((prefix) => {
      const near = suggest(prefix, ["env"]);
      const advice = near === undefined ? "" : '; did you mean "env"?';
      const message = `variables outside env are accepted and take effect in a later release${advice}`;
      return manifestProblem(yaml, "warning", ["variables", prefix], message, "key");
    });
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
  if (name === "PORT" || name.startsWith("PLATFORM_")) {
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
    const message = `this and "${first.path.at(-1) ?? ""}" are both the variable ${variable.name}; keep one of them`;
    return [manifestProblem(variable.manifest, "error", variable.path, message, "key")];
  });
}

/** Numbers as they were written, so that 1.10 stays 1.10; lists and maps as JSON. */
function toText({ manifest, path, value }: Written): string {
  if (typeof value === "string") return value;
  if (typeof value === "object" && value !== null) return JSON.stringify(value);
  const written = typeof value === "number" ? manifest.source.places.textOf(path) : undefined;
  return written === undefined
    ? String(value)
    : manifest.source.format === "toml"
      ? written.replaceAll("_", "")
      : written;
}
