import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  loadConfig,
  openProjectFolder,
  type LoadedConfig,
  type ProjectFiles,
} from "../../src/config/index.js";

/** The folder of the cases; each case is a folder with a project and what is expected of it. */
export const casesFolder = fileURLToPath(new URL("../../../../fixtures/manifests/", import.meta.url));

/** Where a case keeps its expectation: not part of the project. */
const expectations: ReadonlySet<string> = new Set(["expected.json", "expected.txt"]);

export function listCases(kind: "valid" | "invalid"): string[] {
  return readdirSync(`${casesFolder}${kind}`).sort();
}

export function loadCase(kind: "valid" | "invalid", name: string): LoadedConfig {
  const folder = openProjectFolder(`${casesFolder}${kind}/${name}`);
  const files: ProjectFiles = {
    list: () => folder.list().filter((path) => !expectations.has(path)),
    read: (path) => (expectations.has(path) ? undefined : folder.read(path)),
  };
  return loadConfig(files, { folderName: name });
}

/** A project that exists only as texts. */
export function textFiles(texts: Readonly<Record<string, string>>): ProjectFiles {
  return {
    list: () => Object.keys(texts).sort(),
    read: (path) => (Object.hasOwn(texts, path) ? texts[path] : undefined),
  };
}
