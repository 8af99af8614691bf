import { timeKey } from "./log-file.js";
import type { SourceLine } from "./log-series.js";

/** An execution whose lines are looked for. */
export interface LinesOf {
  readonly execution: string;
  /** When it ran, where nothing else did: what its instance wrote then is its own, whoever wrote it. */
  readonly alone: { readonly instance: string; readonly from: string; readonly to: string } | null;
}

/** Whether a line belongs to an execution: because it says so, or because nothing else can have written it. */
export function belongsTo(line: SourceLine, { execution, alone }: LinesOf): boolean {
  if (line.execution !== null) return line.execution === execution;
  if (alone === null || line.type !== "app" || line.stream === "platform") return false;
  const key = timeKey(line.time);
  return line.instance === alone.instance && key >= timeKey(alone.from) && key <= timeKey(alone.to);
}
