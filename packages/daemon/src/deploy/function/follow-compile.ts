import type { ignite } from "@bloomery/contract";
import type { Build } from "../../store/builds.js";
import type { Store } from "../../store/open-store.js";
import { readTextLines } from "../../observe/read-text-lines.js";
import type { CompileLine, CompileLogs } from "./compile-log.js";
import { reusedText } from "./drafts.js";

/** The last line says what came of it. */
export interface CompileEndLine extends CompileLine {
  readonly status?: ignite.DraftStatus;
}

/**
 * The log of a compile from its beginning until it has ended: as it comes while it runs, from the build's log file
 * afterwards, whose lines have no times of their own. The last line has a status.
 */
export async function* followCompile(
  parts: {
    readonly store: Store;
    readonly logs: CompileLogs;
    readonly logFile: (build: string) => string;
  },
  build: Build,
  signal: AbortSignal,
): AsyncGenerator<CompileEndLine> {
  const live = parts.logs.follow(build.id, signal);
  if (live === undefined) yield* readLog(parts.logFile(build.id), build);
  else yield* live;
  if (signal.aborted) return;
  yield planEnd((await parts.store.builds.get(build.id)) ?? build);
}

async function* readLog(file: string, build: Build): AsyncGenerator<CompileLine> {
  const at = Date.parse(build.startedAt ?? build.createdAt);
  let isEmpty = true;
  for await (const text of readTextLines(file)) {
    isEmpty = false;
    yield { at, text };
  }
  if (isEmpty && build.state === "succeeded") yield { at, text: reusedText };
}

function planEnd({ state, error, finishedAt }: Build): CompileEndLine {
  const at = finishedAt === null ? Date.now() : Date.parse(finishedAt);
  if (state === "succeeded") return { at, text: "compiled", status: "DRAFT_STATUS_COMPILED" };
  const text = error?.message ?? (state === "cancelled" ? "the compile was cancelled" : "the compile failed");
  return { at, text, status: "DRAFT_STATUS_FAILED" };
}
