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

export function createPhases(output: Output, now: () => number = performance.now.bind(performance)): Phases {
  let name = "";
  let detail = "";
  let began = 0;
  let timer: NodeJS.Timeout | undefined;
  const isLive = output.live && !output.json && !output.quiet;

  const seconds = (): string => `${((now() - began) / 1000).toFixed(1)} s`;
  const draw = (): void => {
    const more = detail === "" ? "" : ` ${detail}`;
    output.stderr.write(
      `\r\u001B[2K${output.paint("cyan", "›")} ${name}${more} ${output.paint("dim", seconds())}`,
    );
  };
  const close = (ok: boolean): void => {
    clearInterval(timer);
    if (name === "") return;
    const more = detail === "" ? "" : ` ${detail}`;
    if (isLive) {
      const mark = ok ? output.paint("green", "✓") : output.paint("red", "✗");
      output.stderr.write(`\r\u001B[2K${mark} ${name}${more} ${output.paint("dim", seconds())}\n`);
    } else if (!output.json) output.say(`${ok ? "done" : "failed"}: ${name}${more} (${seconds()})`);
    name = "";
  };

  return {
    enter(next, more = "") {
      close(true);
      name = next;
      detail = more;
      began = now();
      if (!isLive) return;
      draw();
      timer = setInterval(draw, 100).unref();
    },
    progress(phase, done, total, current = "") {
      if (phase !== name) return;
      detail = `${done}/${total}${current === "" ? "" : ` ${current}`}`;
      if (isLive) draw();
    },
    print(text) {
      if (isLive && name !== "") output.stderr.write("\r\u001B[2K");
      output.say(text);
      if (isLive && name !== "") draw();
    },
    end: close,
  };
}
