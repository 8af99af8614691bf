import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { BloomError } from "@bloomery/contract";
import type { Context } from "./command.js";
import { loadIgniteConfig, type IgniteKey } from "./ignite-config.js";

/**
 * Changes settings in the user's Ignite settings file and leaves the rest of it, comments too; an empty text takes
 * a key away. Only its user may read it, as it holds a token. Returns the file's path.
 */
export async function saveIgniteConfig(
  context: Pick<Context, "flags" | "env" | "cwd">,
  values: Partial<Record<IgniteKey, string>>,
): Promise<string> {
  // Says what is wrong with a file that does not parse, before it is written over.
  const { path } = await loadIgniteConfig(context);
  const { Document, isMap, parseDocument } = await import("yaml");
  const parsed = parseDocument(await readFile(path, "utf8").catch(() => ""));
  const document = isMap(parsed.contents) ? parsed : new Document({});
  if (!isMap(document.get("ignite"))) document.set("ignite", document.createNode({}));
  for (const [key, value] of Object.entries(values)) {
    if (value === "") document.deleteIn(["ignite", key]);
    else document.setIn(["ignite", key], value);
  }
  const draft = `${path}.${process.pid}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(draft, document.toString(), { mode: 0o600 });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw new BloomError("ERR_INVALID_ARGUMENT", `${path} cannot be written: ${(error as Error).message}`, {
      hint: "Name another file with --config, or another folder with DODIL_CONFIG_DIR.",
    });
  }
  return path;
}
