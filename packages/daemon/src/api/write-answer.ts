import { BloomError } from "@bloomery/contract";
import type { z } from "zod";

/**
 * An answer as JSON, in the form that the route's schema gives it: what is not in the schema is left out, numbers of
 * 64 bits and bytes become text.
 */
export function writeAnswer(schema: z.ZodType, data: unknown): string {
  const result = schema.safeParse(data);
  if (result.success) return JSON.stringify(result.data);
  const [issue] = result.error.issues;
  throw new BloomError(
    "ERR_INTERNAL",
    `an answer is not of its own form (${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""})`,
    { cause: result.error },
  );
}
