import { seconds, summarize } from "./platform.mjs";

/**
 * Milliseconds from edits to live beside cargo's own time for the same edits, as a row of the published table.
 * `graceMs` is what may be lost where cargo is fast.
 */
export function compareEdits(what, edited, cargoEdited, graceMs = 1500) {
  const [change, cargoOnly] = [edited, cargoEdited].map(summarize);
  const allowed = Math.max(cargoOnly.median * 1.15, cargoOnly.median + graceMs);
  return {
    what,
    peer: "cargo build of the same tree in place",
    result: `${seconds(change.median)} beside ${seconds(cargoOnly.median)}`,
    target: `1.15 × or + ${graceMs / 1000} s: ${seconds(allowed)}`,
    met: change.median <= allowed,
    ms: change,
    peerMs: cargoOnly,
  };
}
