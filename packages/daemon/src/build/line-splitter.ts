import { StringDecoder } from "node:string_decoder";

/**
 * A piece of output: a whole `line`, or a `transient` one that ended in a carriage return and is meant to be
 * written over, as progress bars are.
 */
export type OnSegment = (text: string, kind: "line" | "transient") => void;

/** Characters; a longer line is cut into several. */
const maxLine = 16 * 1024;

// oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
const escapes = /\u001b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

export interface LineSplitter {
  push(chunk: Buffer): void;
  /** Gives out what stands after the last line end. */
  end(): void;
}

/**
 * Cuts a stream of bytes into lines, whatever the borders of its chunks. Escape sequences and control
 * characters go: the output is shown on other people's terminals.
 */
export function createLineSplitter(onSegment: OnSegment): LineSplitter {
  const decoder = new StringDecoder("utf8");
  let rest = "";

  const emit = (text: string, kind: "line" | "transient"): void => {
    for (let at = 0; at < text.length || at === 0; at += maxLine)
      onSegment(clean(text.slice(at, at + maxLine)), kind);
  };
  const take = (text: string): void => {
    const parts = (rest + text).split(/(\r\n|\n|\r(?!$))/);
    for (let index = 0; index + 1 < parts.length; index += 2) {
      const end = parts[index + 1];
      emit(parts[index] ?? "", end === "\r" ? "transient" : "line");
    }
    rest = parts.at(-1) ?? "";
    // A program that never ends a line must not fill the memory.
    while (rest.length > maxLine) {
      emit(rest.slice(0, maxLine), "line");
      rest = rest.slice(maxLine);
    }
  };

  return {
    push: (chunk) => take(decoder.write(chunk)),
    end() {
      take(decoder.end());
      if (rest === "") return;
      const isTransient = rest.endsWith("\r");
      emit(isTransient ? rest.slice(0, -1) : rest, isTransient ? "transient" : "line");
      rest = "";
    },
  };
}

function clean(text: string): string {
  return text.replace(escapes, "").replace(controls, "");
}
