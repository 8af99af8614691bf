import type { Output } from "./output.js";

/** Shows the phases of a deploy: one line that redraws itself on a terminal, one plain line each elsewhere. */
export interface Phases {
  enter(name: string, detail?: string): void;
  progress(name: string, done: number, total: number, current?: string): void;
  /** Prints something above the line. */
  print(text: string): void;
  /** Ends the last phase. */
  end(ok: boolean): void;
}

const redrawMs = 100;
const clearLine = "\r\u001B[2K";

/** `now` gives milliseconds of any clock that never goes back. */
export function createPhases(output: Output, now: () => number = performance.now.bind(performance)): Phases {
  let name = "";
  let detail = "";
  /** What is being worked on; gone when the phase is over. */
  let current = "";
  let began = 0;
  let timer: NodeJS.Timeout | undefined;
  const isLive = output.live && !output.quiet;

  const describe = (...parts: string[]): string => [name, ...parts].filter((part) => part !== "").join(" ");
  const seconds = (): string => `${((now() - began) / 1000).toFixed(1)} s`;
  const draw = (): void => {
    // A line that wraps cannot be taken back; 12 columns are for the mark and the timer.
    const text = describe(detail, current).slice(0, Math.max(20, (output.stderr.columns ?? 80) - 12));
    output.stderr.write(`${clearLine}${output.paint("cyan", "›")} ${text} ${output.paint("dim", seconds())}`);
  };
  const close = (ok: boolean): void => {
    clearInterval(timer);
    if (name === "") return;
    if (isLive) {
      const mark = ok ? output.paint("green", "✓") : output.paint("red", "✗");
      output.stderr.write(`${clearLine}${mark} ${describe(detail)} ${output.paint("dim", seconds())}\n`);
    } else {
      output.say(`${ok ? "done" : "failed"}: ${describe(detail)} (${seconds()})`);
    }
    name = "";
  };

  return {
    enter(next, more = "") {
      close(true);
      name = next;
      detail = more;
      current = "";
      began = now();
      if (!isLive) return;
      draw();
      timer = setInterval(draw, redrawMs).unref();
    },
    progress(phase, done, total, item = "") {
      if (phase !== name) return;
      detail = `${done}/${total}`;
      current = item;
      if (isLive) draw();
    },
    print(text) {
      if (isLive && name !== "") output.stderr.write(clearLine);
      output.say(text);
      if (isLive && name !== "") draw();
    },
    end: close,
  };
}
