import { BloomError, type AppRef, type ignite } from "@bloomery/contract";
import type { Context } from "../../command.js";
import { nameOf } from "./function-ref.js";

/** What a compile has come to. */
export interface Compiled {
  readonly deployId: string;
  readonly draft: ignite.DraftView;
}

/** The same, with what its log has said already. */
export interface FollowedCompile extends Compiled {
  readonly said: ReadonlySet<string>;
}

/** Begins a compile of the draft; with `follow` its log is shown until it has ended. Throws ERR_BUILD_FAILED. */
export async function compileDraft(context: Context, ref: AppRef, follow: boolean): Promise<FollowedCompile> {
  const client = context.client();
  // Never broken off: we would not know whether there is a compile.
  const begun = await client.call("igniteCompileDraft", { params: ref }, { signal: null });
  const said = new Set<string>();
  if (!follow) return { ...begun, said };
  await followCompile(context, begun.deployId, (line) => {
    // Why it failed is said by the error.
    if (!hasText(line) || line.status === "DRAFT_STATUS_FAILED") return;
    context.output.say(line.text);
    said.add(line.text);
  });
  const { draft } = await client.call("igniteGetDraft", { params: ref });
  return { deployId: begun.deployId, draft, said };
}

/** Prints a compile's log until it has ended. Throws ERR_BUILD_FAILED, and ERR_INTERRUPTED while the compile goes on. */
export async function followCompile(
  context: Context,
  deployId: string,
  print: (line: ignite.CompileLogLine) => void,
): Promise<void> {
  let end: ignite.CompileLogLine | undefined;
  try {
    for await (const line of context.client().stream("igniteCompileLogs", { params: { deploy: deployId } })) {
      print(line);
      if (line.status !== undefined) end = line;
    }
  } catch (error) {
    const hint = `\`dodil ignite draft compile-logs ${deployId}\` shows it from the beginning.`;
    if (context.signal.aborted)
      throw new BloomError("ERR_INTERRUPTED", "interrupted; the compile goes on", { hint });
    if (!(error instanceof BloomError) || error.code !== "ERR_DAEMON_UNREACHABLE") throw error;
    throw new BloomError(error.code, `the log of ${deployId} broke off: ${error.message}`, {
      hint,
      cause: error,
    });
  }
  if (end?.status === "DRAFT_STATUS_FAILED") throw compileFailed(deployId, end.text);
  if (end === undefined) {
    throw new BloomError("ERR_DAEMON_UNREACHABLE", `the log of ${deployId} ended before its compile`, {
      hint: `\`dodil ignite draft compile-logs ${deployId}\` shows it from the beginning.`,
    });
  }
}

/** The line that says how it ended may say nothing else. */
export function hasText({ text, status }: ignite.CompileLogLine): boolean {
  return text !== "" || status === undefined;
}

function compileFailed(deployId: string, reason: string): BloomError {
  return new BloomError(
    "ERR_BUILD_FAILED",
    `the compile ${deployId} failed${reason === "" ? "" : `: ${reason}`}`,
    { hint: "Correct the code, then `draft save` and `draft compile` again.", details: { deployId } },
  );
}

/** Says that a function has no draft whose log could be shown. */
export function noCompile(ref: AppRef): BloomError {
  return new BloomError("ERR_NOT_FOUND", `the draft of ${nameOf(ref)} has not been compiled`, {
    hint: `Type: dodil ignite draft compile ${nameOf(ref)}`,
  });
}
