import type { InvokeFrameData } from "../ports.js";
import { keptBodyBytes, type KeptAnswer } from "./invocation-files.js";

/** Takes frames in and keeps the beginning of the answer they are. */
export interface AnswerKeeper {
  take(frame: InvokeFrameData): void;
  /** Undefined: no answer has begun. */
  readonly answer: KeptAnswer | undefined;
}

export function keepAnswer(limit = keptBodyBytes): AnswerKeeper {
  let head: { readonly status: number; readonly headers: Record<string, string> } | undefined;
  const pieces: Uint8Array[] = [];
  let kept = 0;
  let truncated = false;
  return {
    take(frame) {
      if ("head" in frame) head = frame.head;
      if (!("chunk" in frame)) return;
      const { data } = frame.chunk;
      const piece = data.subarray(0, limit - kept);
      truncated ||= piece.length < data.length;
      kept += piece.length;
      if (piece.length > 0) pieces.push(piece);
    },
    get answer() {
      if (head === undefined) return undefined;
      return { status: head.status, headers: head.headers, body: Buffer.concat(pieces), truncated };
    },
  };
}
