import { z } from "zod";

/** What rustc says of a file. */
export interface RustcReport {
  /** As people read it, line by line. */
  readonly text: readonly string[];
  readonly errors: readonly RustcError[];
}

export interface RustcError {
  /** Such as `E0425`; null: it has none. */
  readonly code: string | null;
  readonly message: string;
  /** Where; null: nowhere in a file. */
  readonly place: { readonly file: string; readonly line: number; readonly column: number } | null;
}

const diagnostic = z.object({
  message: z.string(),
  level: z.string(),
  code: z.object({ code: z.string() }).nullable(),
  rendered: z.string().nullable(),
  spans: z.array(
    z.object({
      file_name: z.string(),
      line_start: z.number(),
      column_start: z.number(),
      is_primary: z.boolean(),
    }),
  ),
});

/** Reads what `--error-format=json` makes rustc say; lines of anybody else stay as they are. */
export function readRustc(lines: readonly string[]): RustcReport {
  const text: string[] = [];
  const errors: RustcError[] = [];
  for (const line of lines) {
    const found = parseDiagnostic(line);
    text.push(...(found?.rendered ?? line).trimEnd().split("\n"));
    // The count at the end is no error of its own.
    if (found?.level !== "error" || found.message.startsWith("aborting due to ")) continue;
    const span = found.spans.find(({ is_primary }) => is_primary) ?? null;
    const place =
      span === null ? null : { file: span.file_name, line: span.line_start, column: span.column_start };
    errors.push({ code: found.code?.code ?? null, message: found.message, place });
  }
  return { text, errors };
}

function parseDiagnostic(line: string): z.infer<typeof diagnostic> | null {
  if (!line.startsWith("{")) return null;
  try {
    return diagnostic.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
