import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findProgram, makeTempDir } from "../helpers.js";

/** The prefork host that was built for this checkout; null when there is none yet. */
export const findHost = (): string | null => findProgram("BLOOM_PREFORK", "bloom-prefork");

/** The host as if another compiler had made it: one digit of its version is another. */
export async function makeForeignHost(): Promise<string> {
  const path = join(await makeTempDir(), "bloom-prefork");
  const bytes = await readFile(findHost() ?? "");
  const mark = "rustc version 1.";
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) {
    const digit = at + mark.length;
    if (/^\d\d\./.test(bytes.toString("latin1", digit, digit + 3))) bytes.write("1", digit, "latin1");
  }
  await writeFile(path, bytes);
  await chmod(path, 0o755);
  return path;
}
