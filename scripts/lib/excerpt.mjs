import { stripVTControlCharacters } from "node:util";

/** Where each runner begins to speak of what failed. */
const beginnings = {
  vitest: /^.*Failed (?:Tests|Suites) \d+/m,
  cargo: /^(?:failures:|error(?:\[E\d+\])?:)/m,
  node: /^. failing tests:/m,
};

/**
 * The part of a failed check's output that says what failed: from where the runner (`kind`: "vitest",
 * "cargo", "node" or undefined) begins its list, otherwise the end. At most `limit` lines, those in the
 * middle left out. Cargo lists failures once with their output and once by name, and only the first
 * binary that failed is named before the run ends.
 */
export function planExcerpt(output, kind, limit = 120) {
  const text = stripVTControlCharacters(output).trimEnd();
  const at = beginnings[kind]?.exec(text)?.index ?? -1;
  const lines = (at < 0 ? text : text.slice(at)).split("\n");
  if (lines.length <= limit) return lines.join("\n");
  const left = `… ${lines.length - limit} lines left out …`;
  if (at < 0) return [left, ...lines.slice(-limit)].join("\n");
  const half = Math.floor(limit / 2);
  return [...lines.slice(0, half), left, ...lines.slice(half - limit)].join("\n");
}
