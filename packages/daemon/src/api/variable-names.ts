import { BloomError } from "@bloomery/contract";
import { isReservedVariable } from "../config/platform-documents.js";

/** Throws ERR_INVALID_ARGUMENT for the platform's own names. */
export function assertOwnNames(names: readonly string[]): void {
  // CI tells a build from a run, so it is ours too, though a manifest may have its own.
  const reserved = names.find((name) => name === "CI" || isReservedVariable(name));
  if (reserved === undefined) return;
  throw new BloomError("ERR_INVALID_ARGUMENT", `the platform sets ${reserved} itself`, {
    hint: "Choose another name.",
  });
}
