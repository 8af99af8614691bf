import { seconds, summarize } from "./platform.mjs";

/** Milliseconds from edits to live beside cargo's own time for the same edits, as a row of the published table. */
export function compareEdits(what, edited, cargoEdited) {
  const [change, cargoOnly] = [edited, cargoEdited].map(summarize);
  const allowed = Math.max(cargoOnly.median * 1.15, cargoOnly.median + 1500);
  return {
    what,
    peer: "cargo build of the same tree in place",
    result: `${seconds(change.median)} beside ${seconds(cargoOnly.median)}`,
    target: `1.15 × or + 1.5 s: ${seconds(allowed)}`,
    met: change.median <= allowed,
    ms: change,
    peerMs: cargoOnly,
  };
}
