import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { BloomError, type AppRef } from "@bloomery/contract";
import type { Context, FlagSpec } from "../../command.js";
import { formatBytes } from "../../output/table.js";
import { nameOf } from "./function-ref.js";

export const codeFlags: readonly FlagSpec[] = [
  { flag: "--to <file>", about: "write it there; without it, or with `-`, to standard output" },
  { flag: "--force", about: "overwrite the file" },
];

/**
 * Gets code and writes it where the flags say: of a version, of the draft with 0, of the active version without any.
 * Throws ERR_NOT_FOUND when there is no active one.
 */
export async function writeCode(context: Context, ref: AppRef, version?: number): Promise<void> {
  const { client, output, flags, cwd } = context;
  const to = typeof flags["to"] === "string" && flags["to"] !== "-" ? resolve(cwd, flags["to"]) : undefined;
  if (to === undefined && !output.json && output.stdout.isTTY === true) {
    throw new BloomError("ERR_USAGE", "an archive is nothing to print on a terminal", {
      hint: "Name a file with --to, or pipe it: … | tar xz",
    });
  }
  const query = version === undefined ? {} : { version };
  const answer = await client().call("igniteGetAppCode", { params: ref, query });
  if (version === undefined && answer.version === 0) {
    throw new BloomError("ERR_NOT_FOUND", `${nameOf(ref)} has no version yet`, {
      hint: `\`draft code ${nameOf(ref)}\` gets what is in its draft.`,
    });
  }
  const bytes = Buffer.from(answer.sourceCode, "base64");
  if (to === undefined) {
    if (output.json) output.result(answer, []);
    else output.stdout.write(bytes);
    return;
  }
  await writeFile(to, bytes, { flag: flags["force"] === true ? "w" : "wx" }).catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    throw code === "EEXIST"
      ? new BloomError("ERR_ALREADY_EXISTS", `${to} exists already`, {
          hint: "Choose another file, or give --force.",
        })
      : new BloomError("ERR_INVALID_ARGUMENT", `--to: ${message}`);
  });
  output.result({ fileName: answer.fileName, version: answer.version, to, bytes: bytes.length }, [
    `${to}: ${answer.fileName}, ${formatBytes(bytes.length)}`,
  ]);
}
