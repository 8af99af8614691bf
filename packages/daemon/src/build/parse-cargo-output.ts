import type { BuildStats } from "@bloomery/contract";

/** How far cargo is: units of work, of which a crate has one or more. */
export interface BuildProgress {
  readonly done: number;
  readonly total: number;
  /** What is being compiled now. */
  readonly current: string;
}

export interface CargoReader {
  /** Takes one piece of output; gives back the lines that are worth keeping. */
  read(text: string, kind: "line" | "transient"): readonly string[];
  /** Lines held back until the next one came. */
  end(): readonly string[];
  stats(): BuildStats;
}

const progressBar = /^\s*Building \[[=> ]*\]\s+(\d+)\/(\d+)(?:: (.*))?$/;
const crateLine = /^\s*(Compiling|Fresh|Checking) (\S+) v\S+/;
const dirtyLine = /^\s*Dirty (\S+) v[^:]*?(?: \([^)]*\))?: (.*)$/;
/** The command line of each compiler run: half a kilobyte for every crate. */
const commandLine = /^\s*Running `.*(?:rustc --crate-name |\/build-script-)/;
const failedCommand = /^\s*process didn't exit successfully: `.*rustc --crate-name /;
const maxRebuilt = 200;

/**
 * Follows cargo's words on its way through a build's output: progress bars are reported and dropped, crates
 * are counted, the reason of every rebuild is kept. Anything else passes untouched.
 */
export function createCargoReader(onProgress: (progress: BuildProgress) => void): CargoReader {
  let units: number | null = null;
  let fresh = 0;
  let compiled = 0;
  const rebuilt: { crate: string; reason: string }[] = [];
  let held: string | null = null;

  const count = (text: string): boolean => {
    const crate = crateLine.exec(text);
    if (crate !== null) {
      if (crate[1] === "Fresh") fresh++;
      else compiled++;
      // What did not change is a number, not a list.
      return crate[1] !== "Fresh";
    }
    const dirty = dirtyLine.exec(text);
    if (dirty !== null && rebuilt.length < maxRebuilt) {
      rebuilt.push({ crate: dirty[1] ?? "", reason: shortenReason(dirty[2] ?? "") });
    }
    return true;
  };

  return {
    read(text, kind) {
      const bar = progressBar.exec(text.trimEnd());
      if (bar !== null) {
        units = Math.max(units ?? 0, Number(bar[2]));
        onProgress({ done: Number(bar[1]), total: Number(bar[2]), current: bar[3] ?? "" });
        return [];
      }
      if (kind === "transient" || commandLine.test(text)) return [];
      const before = held === null ? [] : [held];
      held = null;
      if (failedCommand.test(text)) return before.filter((line) => line !== "Caused by:");
      if (text === "Caused by:") {
        held = text;
        return before;
      }
      return count(text) ? [...before, text] : before;
    },
    end() {
      const last = held === null ? [] : [held];
      held = null;
      return last;
    },
    stats: () => ({ units, fresh, compiled, rebuilt: [...rebuilt] }),
  };
}

/** Drops the nanoseconds: `the file \`src/main.rs\` has changed (1795236552.01s, 1s after last build at …)`. */
function shortenReason(reason: string): string {
  return reason.replace(/ \(\d+\.\d+s, .*\)$/, "").slice(0, 300);
}
