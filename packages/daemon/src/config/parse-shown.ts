import { z } from "zod";
import type { Problem } from "@bloomery/contract";

/** What the host makes of an ini, as far as a build goes by it. More keys may be there. */
const shownSchema = z.object({
  apps: z.array(
    z.object({
      mount: z.string(),
      library: z.string(),
      library_as_written: z.string(),
      function: z.string().nullable(),
    }),
  ),
  allow_rustc_mismatch: z.boolean().optional(),
  warnings: z.array(z.string()).optional(),
});
export type ShownConfig = z.infer<typeof shownSchema>;
export type ShownApp = ShownConfig["apps"][number];

/** Something that must be written otherwise. */
export type Complaint = Pick<Problem, "file" | "line" | "column" | "message">;

/** The answer to `--show-config=json`; null when it is none. */
export function parseShown(lines: readonly string[]): ShownConfig | null {
  try {
    return shownSchema.parse(JSON.parse(lines.join("\n")));
  } catch {
    return null;
  }
}

/**
 * The host's complaints, one in each line, such as `app.ini:3:1: unknown option`. What has no place is about the
 * ini as a whole. `folder` is where the host stood, and what its absolute paths begin with.
 */
export function parseComplaints(
  lines: readonly string[],
  { ini, folder }: { readonly ini: string; readonly folder: string },
): Complaint[] {
  return lines
    .map((line) => line.trim().replace(/^(?:bloom-prefork|configuration): /, ""))
    .filter((line) => line !== "" && !line.startsWith("warning: "))
    .map((line) => {
      const placed = /^([^:]+?):(\d+)(?::(\d+))?: (.*)$/.exec(line);
      if (placed === null) {
        const [, file, rest] = /^([^:\s]+): (.*)$/.exec(line) ?? [];
        const isOfFile = file !== undefined && rest !== undefined && relative(file, folder) === ini;
        return { file: ini, line: 1, column: 1, message: isOfFile ? rest : line };
      }
      const [, file = "", row = "1", column = "1", message = ""] = placed;
      return { file: relative(file, folder), line: Number(row), column: Number(column), message };
    });
}

function relative(file: string, folder: string): string {
  const start = `${folder}/`;
  return (file.startsWith(start) ? file.slice(start.length) : file).replace(/^(?:\.\/)+/, "");
}
