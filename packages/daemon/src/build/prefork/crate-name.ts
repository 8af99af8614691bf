import { posix } from "node:path";
import { blankRust } from "../function/scan-rust.js";

/** The name of the crate that rustc makes of a file: what it says itself, else its own. */
export function crateNameOf(file: string, source: string): string {
  const index = /#!\s*\[\s*crate_name\s*=/.exec(blankRust(source))?.index;
  const written = index === undefined ? undefined : /"([^"]+)"/.exec(source.slice(index))?.[1];
  return written ?? posix.basename(file, ".rs").replaceAll("-", "_");
}
