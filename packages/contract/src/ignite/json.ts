import { z } from "zod";

/** A 64-bit number, which JSON carries as text; a plain number is understood, too. */
export const int64 = z
  .union([z.string().regex(/^-?\d{1,19}$/, "must be a whole number"), z.number().int()])
  .transform(Number)
  .pipe(z.number().int());

/** A whole number from 0 up to a bound, as a number or as text: clients that are made from descriptions write either. */
export const count = (most: number): z.ZodType<number, number | string> =>
  int64.pipe(z.number().min(0).max(most));

/** The number of a version, in either way. */
export const versionNumber = int64.pipe(z.number().positive());

/**
 * The same in an answer: always text. Times are unix milliseconds, 0 for never. Whoever answers gives the number; the
 * text is understood, too, because whoever reads the answer holds it against the same schema.
 */
export const int64Text = z
  .union([z.number().int(), z.string().regex(/^-?\d{1,19}$/, "must be a whole number")])
  .transform(String)
  .pipe(z.string()) as unknown as z.ZodType<string, number>;

/** Bytes, which JSON carries as base64. */
export const bytes = z.base64().transform((text) => Buffer.from(text, "base64"));

/** The same in an answer; whoever answers gives the bytes. */
export const bytesText = z
  .union([z.instanceof(Uint8Array), z.string()])
  .transform((data) => (typeof data === "string" ? data : viewBytes(data).toString("base64")))
  .pipe(z.string().meta({ contentEncoding: "base64" })) as unknown as z.ZodType<string, Uint8Array>;

function viewBytes({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
