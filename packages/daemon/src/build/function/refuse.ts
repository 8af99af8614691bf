import { BloomError, hasControlCharacters } from "@bloomery/contract";

/** An entry that must not be there. */
export function unsafeEntry(path: string, reason: string, hint?: string): BloomError {
  return new BloomError("ERR_SOURCE_UNSAFE", `the entry ${JSON.stringify(path)} is refused: ${reason}`, {
    // Places are printed as they are: a name that would write on the terminal is only quoted.
    ...(hasControlCharacters(path) ? {} : { where: { file: path } }),
    details: { path },
    hint: hint ?? "Pack the code again without this entry.",
  });
}

/** More than a function's code may hold. */
export function tooLarge(what: string, details: Readonly<Record<string, unknown>>): BloomError {
  return new BloomError("ERR_SOURCE_TOO_LARGE", `the code is too large: ${what}`, {
    hint: "Send sources only; leave out `target`, data and other archives.",
    details,
  });
}

/** Bytes that are not the archive they claim to be. */
export function unreadable(format: string, what: string, cause?: unknown): BloomError {
  return new BloomError(
    "ERR_INVALID_ARGUMENT",
    `the code is not a ${format} archive that can be read: ${what}`,
    {
      hint: "Pack it again, with `zip -r code.zip .` or `tar -czf code.tar.gz .` in the folder of Cargo.toml.",
      cause,
    },
  );
}
