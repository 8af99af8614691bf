import { formatManifestPath, type ManifestPath, type Problem } from "@bloomery/contract";
import { isScalar, LineCounter, parseAllDocuments, type Document } from "yaml";
import {
  findIncluded,
  readIncludedBinary,
  readIncludedText,
  type IncludeSource,
  type IncludeWish,
} from "./includes.js";
import { fileProblem, PlaceMap, problemAt, tooDeep, type Place, type Source } from "./source.js";
import { describeYamlError } from "./yaml-errors.js";
import { addText, newBudget, nothing, YamlTooLarge, type YamlBudget } from "./yaml-budget.js";
import { readYamlValue } from "./yaml-value.js";

/** What a text holds; `source` is null when it could not be understood at all. */
export interface Parsed {
  readonly source: Source | null;
  readonly problems: readonly Problem[];
}

/** Where `!include` may read; asked with the means to look a text up in the file by its path. */
export type IncludeSourceOf = (peek: (path: ManifestPath) => unknown) => IncludeSource;

/** What is the same for a file and all it includes. */
interface Session {
  readonly file: string;
  readonly places: PlaceMap;
  readonly problems: Problem[];
  readonly budget: YamlBudget;
  readonly includes: IncludeSourceOf | null;
}

const mostErrors = 10;
const mostIncludes = 200;
const deepestInclude = 10;

/** Reads one YAML document, and those it includes, with the place of every key and value. Never throws. */
export function parseYaml(file: string, text: string, includes: IncludeSourceOf | null = null): Parsed {
  const session: Session = { file, places: new PlaceMap(), problems: [], budget: newBudget(), includes };
  try {
    const value = readText(session, { file, text, path: [], chain: [file] }, null);
    const { places, problems } = session;
    return {
      source: value === nothing ? null : { file, format: "yaml", value, places, prefix: [] },
      problems,
    };
  } catch (error) {
    if (!(error instanceof YamlTooLarge)) throw error;
    return { source: null, problems: [fileProblem(file, error.message)] };
  }
}

interface Text {
  readonly file: string;
  readonly text: string;
  /** Where its data stands in the data of the whole. */
  readonly path: ManifestPath;
  /** The files being read, this one last. */
  readonly chain: readonly string[];
}

function readText(session: Session, part: Text, from: IncludeSource | null): unknown {
  try {
    return readDocument(session, part, from);
  } catch (error) {
    // The parser recurses, so brackets by the thousand end here.
    if (!(error instanceof RangeError)) throw error;
    session.problems.push({ ...fileProblem(part.file, tooDeep), path: formatManifestPath(part.path) });
    return nothing;
  }
}

function readDocument(session: Session, part: Text, from: IncludeSource | null): unknown {
  const { file, text, path, chain } = part;
  const lines = new LineCounter();
  // Duplicate keys are found while reading, where the first one's line is known.
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const documents: Document.Parsed[] = Array.isArray(parsed) ? parsed : [];
  const placeOf = (offset: number) => toPlace(session, file, lines, Math.min(offset, text.length));
  const errors = listErrors(documents, file, placeOf);
  const [document, second] = documents;
  if (errors.length === 0 && second !== undefined)
    errors.push(severalDocuments(file, placeOf(second.range[0])));
  if (errors.length > 0) {
    session.problems.push(...errors.map((problem) => ({ ...problem, path: formatManifestPath(path) })));
    return nothing;
  }
  if (document === undefined) return null;
  const source = from ?? session.includes?.((wanted) => peekText(document, wanted)) ?? null;
  const { contents } = document;
  if (path.length > 0)
    session.places.setValue(
      path,
      placeOf(contents?.range[0] ?? 0),
      isScalar(contents) ? contents.source : undefined,
    );
  return readYamlValue({
    document,
    file,
    path,
    places: session.places,
    problems: session.problems,
    budget: session.budget,
    placeOf,
    include: (wish, at) => readIncluded(session, source, wish, at, chain),
  });
}

function readIncluded(
  session: Session,
  source: IncludeSource | null,
  wish: IncludeWish,
  path: ManifestPath,
  chain: readonly string[],
): unknown {
  const refuse = (message: string): typeof nothing => {
    session.problems.push(problemAt({ ...session, prefix: [] }, "error", path, message));
    return nothing;
  };
  if (source === null) return refuse("!include is not read in this file; write the content here instead");
  if (++session.budget.includes > mostIncludes)
    throw new YamlTooLarge(`the file has more than ${mostIncludes} includes; use fewer`);
  const found = findIncluded(source, wish.path);
  if ("message" in found) return refuse(found.message);
  const { file } = found;
  if (wish.type === "binary") {
    const bytes = readIncludedBinary(source.files, file);
    return typeof bytes === "string" ? addText(session.budget, bytes) : refuse(bytes.message);
  }
  if (wish.type === "yaml" && chain.includes(file))
    return refuse(
      `!include goes round in a circle: ${[...chain.slice(chain.indexOf(file)), file].join(" → ")}; remove one of them`,
    );
  if (chain.length > deepestInclude)
    return refuse(`files include each other more than ${deepestInclude} deep; include the last one here`);
  const text = readIncludedText(source.files, file);
  if (typeof text !== "string") {
    session.problems.push({ ...text, path: formatManifestPath(path) });
    return nothing;
  }
  addText(session.budget, text);
  return wish.type === "string"
    ? text
    : readText(session, { file, text, path, chain: [...chain, file] }, source);
}

/** A text at a path, for what must be known before the document is read. */
function peekText(document: Document.Parsed, path: ManifestPath): unknown {
  try {
    return document.getIn(path);
  } catch {
    return undefined;
  }
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

function toPlace(session: Session, file: string, lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  const place = { line: Math.max(1, line), column: Math.max(1, col) };
  return file === session.file ? place : { ...place, file };
}
