import { z } from "zod";
import { showControls } from "./control-characters.js";

const functionLogLine = z.object({
  execution: z.string(),
  level: z.string(),
  message: z.string(),
  fields: z.record(z.string(), z.unknown()).default({}),
});

/** What a handler has said through its context, tied to the execution it said it in. */
export type FunctionLogLine = z.infer<typeof functionLogLine>;

/** Parses a line that the SDK has written for a handler; undefined for everything else. */
export function parseFunctionLog(text: string): FunctionLogLine | undefined {
  if (!text.startsWith('{"execution":"')) return undefined;
  try {
    return functionLogLine.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** For people: `warn  the cache is cold  hits=3`; the usual level is not said. */
export function formatFunctionLog({ level, message, fields }: FunctionLogLine): string {
  const words = [message, ...Object.entries(fields).map(([name, value]) => `${name}=${formatValue(value)}`)];
  if (level !== "info") words.unshift(level);
  return showControls(words.join("  "));
}

function formatValue(value: unknown): string {
  return typeof value === "string" && !/["\s]/.test(value) && value !== "" ? value : JSON.stringify(value);
}
