import type { Problem } from "@bloomery/contract";
import { LineCounter, parseAllDocuments, type Document } from "yaml";
import { fileProblem, PlaceMap, tooDeep, type Place, type Source } from "./source.js";
import { describeYamlError } from "./yaml-errors.js";
import { readYamlValue, YamlTooLarge } from "./yaml-value.js";

/** What a text holds; `source` is null when it could not be understood at all. */
export interface Parsed {
  readonly source: Source | null;
  readonly problems: readonly Problem[];
}

const mostErrors = 10;

/** Reads one YAML document with the place of every key and value. Never throws. */
export function parseYaml(file: string, text: string): Parsed {
  try {
    return parseDocument(file, text);
  } catch (error) {
    // The parser recurses, so brackets by the thousand end here.
    const tooLarge = error instanceof RangeError || error instanceof YamlTooLarge;
    if (!tooLarge) throw error;
    const message = error instanceof YamlTooLarge ? error.message : tooDeep;
    return { source: null, problems: [fileProblem(file, message)] };
  }
}

function parseDocument(file: string, text: string): Parsed {
  const lines = new LineCounter();
  // Duplicate keys are found while reading, where the first one's line is known.
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const documents: Document.Parsed[] = Array.isArray(parsed) ? parsed : [];
  const placeOf = (offset: number) => toPlace(lines, Math.min(offset, text.length));
  const errors = listErrors(documents, file, placeOf);
  if (errors.length > 0) return { source: null, problems: errors };
  const [document, second] = documents;
  if (second !== undefined)
    return { source: null, problems: [severalDocuments(file, placeOf(second.range[0]))] };
  const places = new PlaceMap();
  const problems: Problem[] = [];
  const value = document === undefined ? null : readYamlValue({ document, file, places, problems, placeOf });
  return { source: { file, format: "yaml", value, places }, problems };
}

/** One error a line: the first says it, those after it on the line are its echo. */
function listErrors(
  documents: Document.Parsed[],
  file: string,
  placeOf: (offset: number) => Place,
): Problem[] {
  const byLine = new Map<number, Problem>();
  for (const error of documents.flatMap((document) => document.errors)) {
    const place = placeOf(error.pos[0]);
    if (!byLine.has(place.line)) byLine.set(place.line, fileProblem(file, describeYamlError(error), place));
  }
  return [...byLine.values()].slice(0, mostErrors);
}

function severalDocuments(file: string, place: Place): Problem {
  return fileProblem(file, "the file holds several documents; remove the line `---` between them", place);
}

function toPlace(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}
