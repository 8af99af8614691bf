import type { ProjectFiles } from "./project-files.js";
import type { Place } from "./source.js";

/** An ini of a prefork app, and the line that says so. */
export interface FoundIni {
  /** Below the app's folder. */
  readonly file: string;
  /** The line as it is written, without blanks at its ends. */
  readonly line: string;
  readonly place: Place;
}

/** Says that a library of Rust is served. */
const clue = /^\s*(?:plugins?\s*=.*\brust\b|(?:rust-fn|dlopen)\s*=)/;

/** Names that are meant when there are several, in this order. */
const usual = ["app.ini", "uwsgi.ini"];

/** The inis at the top of the folder that speak of a library in Rust; the usual name alone where one has it. */
export function findInis(files: ProjectFiles): readonly FoundIni[] {
  return preferUsual(listInis(files).flatMap((file) => findLine(files, file)));
}

/** The same for an app that is known to be of this kind: any ini will do for want of one. */
export function findLikelyInis(files: ProjectFiles): readonly FoundIni[] {
  const sure = findInis(files);
  if (sure.length > 0) return sure;
  const place = { line: 1, column: 1 };
  return preferUsual(listInis(files).map((file) => ({ file, line: "", place })));
}

export function listInis(files: ProjectFiles): readonly string[] {
  return files.list().filter((path) => /^[^/]+\.ini$/.test(path));
}

function findLine(files: ProjectFiles, file: string): FoundIni[] {
  const lines = (files.read(file) ?? "").split("\n");
  const index = lines.findIndex((line) => clue.test(line));
  if (index < 0) return [];
  return [{ file, line: (lines[index] ?? "").trim(), place: { line: index + 1, column: 1 } }];
}

function preferUsual(found: readonly FoundIni[]): readonly FoundIni[] {
  const one = usual.map((name) => found.find(({ file }) => file === name)).find((ini) => ini !== undefined);
  return one === undefined ? found : [one];
}
