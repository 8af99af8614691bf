import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { BloomError } from "@bloomery/contract";
import type { Context } from "../../command.js";
import { findJsonError } from "../../find-json-error.js";

/** The text of a JSON Schema that a flag holds, or with `@FILE` a file. Throws ERR_INVALID_ARGUMENT. */
export async function readSchema({ flags, cwd }: Context, name: string): Promise<string | undefined> {
  const word = flags[name];
  // An empty text takes the schema away.
  if (typeof word !== "string" || word === "") return typeof word === "string" ? word : undefined;
  const file = word.startsWith("@") ? resolve(cwd, word.slice(1)) : undefined;
  const text = file === undefined ? word : await readText(name, file);
  const mistake = findJsonError(text);
  if (mistake === undefined) return text;
  const { line, column, expected } = mistake;
  throw new BloomError(
    "ERR_INVALID_ARGUMENT",
    `--${name} is not JSON: expected ${expected} at line ${line}, column ${column}`,
    file === undefined ? {} : { where: { file, line, column } },
  );
}

async function readText(name: string, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new BloomError(
      "ERR_INVALID_ARGUMENT",
      `the file for --${name} cannot be read: ${(error as Error).message}`,
    );
  }
}
