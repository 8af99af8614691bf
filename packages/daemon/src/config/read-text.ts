import type { Problem } from "@bloomery/contract";
import { maxFileBytes, type ProjectFiles } from "./project-files.js";
import { fileProblem, placeOfOffset } from "./source.js";

/** A file's text, or why it cannot be used; undefined when there is no such file. */
export type ReadText = { readonly text: string } | { readonly problem: Problem } | undefined;

/** Reads a file that must be UTF-8 and of reasonable size. */
export function loadText(files: ProjectFiles, path: string): ReadText {
  const raw = files.read(path);
  if (raw === undefined) return undefined;
  if (Buffer.byteLength(raw) > maxFileBytes) {
    return { problem: fileProblem(path, "the file is larger than 1 MB; such files have a few kilobytes") };
  }
  // A byte order mark is legal and of no interest.
  const text = raw.startsWith("\uFEFF") ? raw.slice(1) : raw;
  const damaged = text.indexOf("\uFFFD");
  if (damaged >= 0) {
    return {
      problem: fileProblem(path, "the file is not UTF-8; save it as UTF-8", placeOfOffset(text, damaged)),
    };
  }
  return { text };
}
