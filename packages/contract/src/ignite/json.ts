import { z } from "zod";

/** A 64-bit number, which JSON carries as text; a plain number is understood, too. */
export const int64 = z
  .union([z.string().regex(/^-?\d{1,19}$/, "must be a whole number"), z.number().int()])
  .transform(Number)
  .pipe(z.number().int());

/** The same in an answer: always text. Times are unix milliseconds, 0 for never. */
export const int64Text = z.number().int().transform(String);

/** Bytes, which JSON carries as base64. */
export const bytes = z.base64().transform((text) => Buffer.from(text, "base64"));

/** The same in an answer. */
export const bytesText = z.instanceof(Uint8Array).transform((data) => Buffer.from(data).toString("base64"));
