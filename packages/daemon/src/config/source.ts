import type { ManifestPath, Problem } from "@bloomery/contract";
import { formatManifestPath } from "@bloomery/contract";

/** 1-based, in UTF-16 units as editors count. */
export interface Place {
  readonly line: number;
  readonly column: number;
  /** Set for what another file has brought in. */
  readonly file?: string;
}

export type Format = "yaml" | "toml";
export type Severity = Problem["severity"];

/** Where a key and its value stand, and how a scalar was written. */
export interface Places {
  readonly key: Place;
  readonly value: Place;
  readonly text?: string;
}

/** A file's data together with the places everything came from. */
export interface Source {
  readonly file: string;
  readonly format: Format;
  readonly value: unknown;
  readonly places: PlaceMap;
  /** Where the data stands in the file, when it is one of several apps in it. */
  readonly prefix: ManifestPath;
}

/** Said by both parsers. */
export const tooDeep = "the file is nested too deeply; a handful of levels is enough";

/** Places by path. A path that was not written has the place of the nearest one above it. */
export class PlaceMap {
  readonly #places = new Map<string, Places>();

  set(path: ManifestPath, places: Places): void {
    this.#places.set(placeKey(path), places);
  }

  /** Adds how a scalar was written to a place that is known. */
  setText(path: ManifestPath, text: string): void {
    const places = this.#places.get(placeKey(path));
    if (places !== undefined) this.#places.set(placeKey(path), { ...places, text });
  }

  /** Moves the place of a value, and says how it was written there. */
  setValue(path: ManifestPath, value: Place, text: string | undefined): void {
    const key = this.#places.get(placeKey(path))?.key ?? value;
    this.set(path, { key, value, ...(text === undefined ? {} : { text }) });
  }

  /** Gives a path that was not written the places of one that was. */
  copy(from: ManifestPath, to: ManifestPath): void {
    const places = this.#places.get(placeKey(from));
    if (places !== undefined) this.set(to, places);
  }

  has(path: ManifestPath): boolean {
    return this.#places.has(placeKey(path));
  }

  find(path: ManifestPath, at: "key" | "value"): Place {
    const exact = this.#places.get(placeKey(path));
    if (exact !== undefined) return exact[at];
    for (let length = path.length - 1; length > 0; length--) {
      const above = this.#places.get(placeKey(path.slice(0, length)));
      if (above !== undefined) return above.key;
    }
    return { line: 1, column: 1 };
  }

  /** A scalar as it was written, so that `1.10` stays `1.10`. */
  textOf(path: ManifestPath): string | undefined {
    return this.#places.get(placeKey(path))?.text;
  }
}

/** A problem at a place of a source. */
export function problemAt(
  source: Pick<Source, "file" | "places" | "prefix">,
  severity: Severity,
  path: ManifestPath,
  message: string,
  at: "key" | "value" = "value",
): Problem {
  const whole = [...source.prefix, ...path];
  const { line, column, file = source.file } = source.places.find(whole, at);
  return { severity, file, line, column, path: formatManifestPath(whole), message };
}

/** How a scalar was written. */
export function textAt({ places, prefix }: Source, path: ManifestPath): string | undefined {
  return places.textOf([...prefix, ...path]);
}

/** A problem of a whole file, or of a place in its text. */
export function fileProblem(file: string, message: string, place: Place = { line: 1, column: 1 }): Problem {
  return {
    severity: "error",
    file: place.file ?? file,
    line: place.line,
    column: place.column,
    path: "",
    message,
  };
}

/** The place of an offset in a text. */
export function placeOfOffset(text: string, offset: number): Place {
  const before = text.slice(0, Math.max(0, offset));
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: before.length - lineStart + 1 };
}

/** Keys cannot hold NUL in TOML or YAML, so it separates. */
function placeKey(path: ManifestPath): string {
  return path.map((step) => `\0${step}`).join("");
}
