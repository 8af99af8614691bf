import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import type { AppConfig } from "@bloomery/contract";
import {
  loadConfig,
  openProjectFolder,
  type LoadConfigOptions,
  type LoadedConfig,
  type ProjectFiles,
} from "../../src/config/index.js";

/** The folder of the cases; each case is a folder with a project and what is expected of it. */
export const casesFolder = fileURLToPath(new URL("../../../../fixtures/manifests/", import.meta.url));

/** What a case keeps for us: not part of the project. */
const expectations: ReadonlySet<string> = new Set(["expected.json", "expected.txt", "options.json"]);

export function listCases(kind: "valid" | "invalid"): string[] {
  return readdirSync(`${casesFolder}${kind}`).sort();
}

export function loadCase(kind: "valid" | "invalid", name: string): LoadedConfig {
  const folder = openProjectFolder(`${casesFolder}${kind}/${name}`);
  const files: ProjectFiles = {
    list: () => folder.list().filter((path) => !expectations.has(path)),
    read: (path) => (expectations.has(path) ? undefined : folder.read(path)),
    readBytes: (path) => (expectations.has(path) ? undefined : folder.readBytes?.(path)),
  };
  return loadConfig(files, { folderName: name, ...optionsOf(folder) });
}

/** A case may say how it is loaded: the file `options.json`. */
function optionsOf(folder: ProjectFiles): LoadConfigOptions {
  return JSON.parse(folder.read("options.json") ?? "{}") as LoadConfigOptions;
}

/** What a config has otherwise than that of a crate without any manifest: the rest would hide what a case is about. */
export function differenceFromPlain(config: AppConfig | null): unknown {
  const plain = loadConfig(textFiles({ "Cargo.toml": '[package]\nname = "plain"\n', "src/main.rs": "" }));
  return difference(config, plain.config);
}

function difference(value: unknown, plain: unknown): unknown {
  if (!isTable(value) || !isTable(plain)) return value;
  const gone = Object.keys(plain).filter((key) => !Object.hasOwn(value, key));
  const entries = Object.entries(value)
    .filter(([key, inner]) => !isDeepStrictEqual(inner, plain[key]))
    .map(([key, inner]): [string, unknown] => [key, difference(inner, plain[key])]);
  return Object.fromEntries([...entries, ...gone.map((key) => [key, "(not there)"])]);
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A project that exists only as texts. */
export function textFiles(texts: Readonly<Record<string, string>>): ProjectFiles {
  return {
    list: () => Object.keys(texts).sort(),
    read: (path) => (Object.hasOwn(texts, path) ? texts[path] : undefined),
  };
}
