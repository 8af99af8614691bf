import { stat } from "node:fs/promises";
import { join } from "node:path";
import { BloomError } from "@bloomery/contract";
import { assertSameCompiler } from "./check-compiler.js";
import { findCompiler, findEntry, safeEntry } from "./find-compiler.js";
import { readWhole } from "./host.js";
import type { LibraryPlan } from "./plan-libraries.js";

/**
 * Looks at the libraries of an artifact without loading them. Throws ERR_BUILD_FAILED for what the host would refuse:
 * no library at all, nothing to call in it, or values that the two would not understand.
 */
export async function checkLibraries(
  artifact: string,
  libraries: readonly LibraryPlan[],
  { compiler, allowMismatch }: { readonly compiler: string | null; readonly allowMismatch: boolean },
): Promise<void> {
  for (const { path, functions } of libraries) {
    const file = join(artifact, path);
    const bytes = await readWhole(file, (await stat(file)).size);
    if (!bytes.subarray(0, 4).equals(Buffer.from("\x7fELF", "latin1")))
      throw refuse(path, "is no shared library");
    if (findEntry(bytes, safeEntry)) continue;
    const missing = functions.find((name) => !findEntry(bytes, name));
    if (missing !== undefined) {
      throw refuse(
        path,
        `has no function ${missing}`,
        `Write #[no_mangle] above \`pub extern fn ${missing}\`, name another with rust-fn, or use #[prefork::application].`,
      );
    }
    if (functions.length === 0) {
      throw refuse(
        path,
        "has no request function",
        "Write one with #[prefork::application], or name one with rust-fn in the ini.",
      );
    }
    if (!allowMismatch) assertSameCompiler(path, findCompiler(bytes), compiler);
  }
}

function refuse(path: string, what: string, hint?: string): BloomError {
  return new BloomError("ERR_BUILD_FAILED", `${path} ${what}`, hint === undefined ? {} : { hint });
}
