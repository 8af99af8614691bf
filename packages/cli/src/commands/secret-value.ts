import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { BloomError } from "@bloomery/contract";
import type { Context } from "../command.js";
import { parseVariableName } from "./change-variables.js";

/** The value of the one variable that is named, from a file or, with `-`, from standard input. */
export async function readNamedValue(
  context: Context,
  names: readonly string[],
  from: string,
): Promise<Record<string, string>> {
  const [name] = names;
  if (names.length !== 1 || name === undefined || name.includes("=")) {
    throw new BloomError("ERR_INVALID_ARGUMENT", "with --from exactly one NAME is given, without a value");
  }
  const key = parseVariableName(name);
  const value = from === "-" ? await readInput(context, key) : await readText(context, from);
  // The line break that editors and echo leave is not part of it.
  return { [key]: value.replace(/\r?\n$/, "") };
}

/** Everything that is piped in; a person is asked instead. */
async function readInput({ stdin, output, signal }: Context, name: string): Promise<string> {
  const input = stdin();
  if (input.isTTY !== true) return readAll(input);
  if (!output.live || output.json) {
    throw new BloomError("ERR_INVALID_ARGUMENT", `the value of ${name} is missing`, {
      hint: "Pipe it in, or name a file with --from.",
    });
  }
  const prompts = await import("@clack/prompts");
  const answer = await prompts.password({ message: `Value of ${name}`, output: process.stderr, signal });
  if (typeof answer === "string") return answer;
  throw new BloomError("ERR_INTERRUPTED", "nothing was changed", { hint: "Run the command again." });
}

async function readText({ cwd }: Context, from: string): Promise<string> {
  try {
    return await readFile(resolve(cwd, from), "utf8");
  } catch (error) {
    const reason = (error as Error).message;
    throw new BloomError("ERR_INVALID_ARGUMENT", `the file for --from cannot be read: ${reason}`);
  }
}
