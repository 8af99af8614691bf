import { joinPath, normalizePath } from "./app-folder.js";
import { maxFileBytes, type ProjectFiles } from "./project-files.js";
import { loadText } from "./read-text.js";
import type { Problem } from "@bloomery/contract";
import { suggestNear } from "./suggest-near.js";

/** What `!include` may read: files of the tree, by paths that begin in one of the folders. */
export interface IncludeSource {
  readonly files: ProjectFiles;
  /** In order: the first that has the file is meant. */
  readonly folders: readonly string[];
}

/** The kinds of `!include`. */
const includeTypes = ["yaml", "string", "binary"] as const;

/** What one `!include` asks for. */
export interface IncludeWish {
  readonly type: (typeof includeTypes)[number];
  readonly path: string;
}

/** A file was found, or why not. */
export type FoundFile = { readonly file: string } | { readonly message: string };

/** Checks the two keys of `!include`; a message when they are wrong. */
export function parseIncludeWish(keys: {
  readonly type?: unknown;
  readonly path?: unknown;
}): IncludeWish | string {
  const { type = "yaml", path } = keys;
  const known = includeTypes.find((name) => name === type);
  if (known === undefined) {
    const near = typeof type === "string" ? suggestNear(type, includeTypes) : undefined;
    const advice = near === undefined ? "write `type: string`" : `did you mean "${near}"?`;
    return `the type of an !include is yaml, string or binary; ${advice}`;
  }
  if (typeof path !== "string" || path === "")
    return 'an !include needs the path of a file; write `!include "more.yaml"`, or a mapping with type and path';
  return { type: known, path };
}

/** Finds the file that is meant, never outside of the tree. */
export function findIncluded({ files, folders }: IncludeSource, path: string): FoundFile {
  const shown = JSON.stringify(path);
  if (path.startsWith("/"))
    return {
      message: `the path ${shown} must be relative to the app's folder; write "${path.replace(/^\/+/, "")}"`,
    };
  const places = folders
    .map((folder) => normalizePath(joinPath(folder, path)))
    .filter((place) => place !== null);
  const [first] = places;
  if (first === undefined)
    return { message: `the path ${shown} leads out of the project; include only files of the project` };
  const file = places.find((place) => place !== "" && files.read(place) !== undefined);
  if (file !== undefined) return { file };
  if (first === "" || files.list().some((other) => other.startsWith(`${first}/`)))
    return { message: `${first === "" ? shown : first} is a folder; include a file` };
  const name = first.slice(first.lastIndexOf("/") + 1);
  const near = files.list().find((other) => other === name || other.endsWith(`/${name}`));
  const advice = near === undefined ? "check the path" : `there is ${near}`;
  return { message: `there is no file ${first}; ${advice}, and the path begins in the app's folder` };
}

/** A file's text, or the problem that stands in its place. */
export function readIncludedText(files: ProjectFiles, file: string): string | Problem {
  const read = loadText(files, file);
  if (read === undefined) return "";
  return "problem" in read ? read.problem : read.text;
}

/** A file's bytes in base64, or why it cannot be had. */
export function readIncludedBinary(files: ProjectFiles, file: string): string | { readonly message: string } {
  const bytes = files.readBytes?.(file) ?? bytesOfText(files.read(file) ?? "");
  if (bytes === null) return { message: `${file} is not text and cannot be read here` };
  if (bytes.length > maxFileBytes) return { message: `${file} is larger than 1 MB; include smaller files` };
  return Buffer.from(bytes).toString("base64");
}

function bytesOfText(text: string): Uint8Array | null {
  return text.includes("\uFFFD") ? null : Buffer.from(text);
}
