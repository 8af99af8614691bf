import { formatManifestPath, type ManifestPath, type Problem } from "@bloomery/contract";
import type { z } from "zod";
import { checkKeys, type KeyPolicy } from "./check-keys.js";
import { checkTypes } from "./check-types.js";
import type { Parsed } from "./parse-yaml.js";
import type { ProjectFiles } from "./project-files.js";
import { loadText } from "./read-text.js";
import { PlaceMap, problemAt, type Severity, type Source } from "./source.js";

/** A manifest after its check: what is right in it, and what is not. */
export interface ManifestFile<T> {
  readonly file: string;
  readonly exists: boolean;
  readonly data: T;
  readonly source: Source;
  readonly problems: readonly Problem[];
}

interface ManifestKind<S extends z.ZodType> {
  readonly file: string;
  readonly parse: (file: string, text: string) => Parsed;
  readonly schema: S;
  readonly policy: KeyPolicy;
  readonly empty: z.infer<S>;
}

/** A manifest that is not there: empty and without problems. */
export function missingManifest<T>(file: string, empty: T): ManifestFile<T> {
  const source: Source = { file, format: "yaml", value: null, places: new PlaceMap(), prefix: [] };
  return { file, exists: false, data: empty, source, problems: [] };
}

/** Reads and checks one manifest; a missing one is empty and has no problems. */
export function loadManifest<S extends z.ZodType>(
  files: ProjectFiles,
  kind: ManifestKind<S>,
): ManifestFile<z.infer<S>> {
  const { file, schema, policy, empty } = kind;
  const missing = missingManifest(file, empty);
  const read = loadText(files, file);
  if (read === undefined) return missing;
  if ("problem" in read) return { ...missing, exists: true, problems: [read.problem] };
  const { source, problems } = kind.parse(file, read.text);
  if (source === null) return { ...missing, exists: true, problems };
  const checked = checkTypes(schema, source, empty);
  // "Takes effect later" is no news about a value that is wrong.
  const wrong = new Set(checked.problems.map(({ path }) => path));
  const remarks = checkKeys(schema, source, policy).filter(({ path }) => !wrong.has(path));
  return {
    file,
    exists: true,
    data: checked.data,
    source,
    problems: [...problems, ...checked.problems, ...remarks],
  };
}

/** Whether what was written at a path is wrong, so that its absence says nothing. */
export function isBroken(manifest: ManifestFile<unknown>, path: ManifestPath): boolean {
  const wanted = formatManifestPath([...manifest.source.prefix, ...path]);
  return manifest.problems.some(
    ({ severity, path: at }) =>
      severity === "error" && (at === "" || at === wanted || wanted.startsWith(`${at}.`)),
  );
}

/** The same, or something in what was written there is wrong. */
export function isBrokenWithin(manifest: ManifestFile<unknown>, path: ManifestPath): boolean {
  const wanted = formatManifestPath([...manifest.source.prefix, ...path]);
  const isBelow = ({ severity, path: at }: Problem): boolean =>
    severity === "error" && (at.startsWith(`${wanted}.`) || at.startsWith(`${wanted}[`));
  return isBroken(manifest, path) || manifest.problems.some(isBelow);
}

/** Whether something is written at a path, also when it is wrong. */
export function isWritten({ source }: ManifestFile<unknown>, path: ManifestPath): boolean {
  const value = path.reduce<unknown>(
    (inner, step) =>
      typeof inner === "object" && inner !== null
        ? (inner as Record<string | number, unknown>)[step]
        : undefined,
    source.value,
  );
  return value !== undefined && value !== null;
}

/** A problem at a place of a manifest. */
export function manifestProblem(
  manifest: ManifestFile<unknown>,
  severity: Severity,
  path: ManifestPath,
  message: string,
  at: "key" | "value" = "value",
): Problem {
  return problemAt(manifest.source, severity, path, message, at);
}
