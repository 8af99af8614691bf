import type { BloomError } from "@bloomery/contract";
import { type ErrorDocument } from "@bloomery/contract";
import { renderTable } from "./table.js";

export interface Stream {
  /** Bytes are a command's own output, passed on as it is. */
  write(text: string | Buffer): unknown;
  readonly isTTY?: boolean | undefined;
  /** Width of the terminal. */
  readonly columns?: number | undefined;
  /** Height of the terminal. */
  readonly rows?: number | undefined;
  /** Tells when there is room again after `write` has answered false. */
  once?(event: "drain", listener: () => void): unknown;
  /** Tells when the terminal has another size. */
  on?(event: "resize", listener: () => void): unknown;
  off?(event: "resize", listener: () => void): unknown;
}

export interface OutputOptions {
  readonly stdout: Stream;
  readonly stderr: Stream;
  /** Documents for programs instead of text for people. */
  readonly json: boolean;
  /** Writes those documents as YAML. */
  readonly yaml?: (document: unknown) => string;
  /** Tables with all they have. */
  readonly wide?: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
  /** A terminal that can redraw a line. */
  readonly live: boolean;
}

/** Data goes to standard output, everything else to standard error. */
export interface Output extends OutputOptions {
  /** The command's result: the document with `--json`, else the lines. */
  result(document: unknown, lines: readonly string[]): void;
  table(document: unknown, head: readonly string[], rows: readonly (readonly string[])[]): void;
  /** One line of a stream. */
  line(document: unknown, text: string): void;
  /** Progress and prose. */
  say(text: string): void;
  /** Only with --verbose. */
  detail(text: string): void;
  error(error: BloomError): void;
  paint(style: Style, text: string): string;
}

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "magenta" | "cyan";
const codes: Record<Style, number> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
};

export function createOutput(options: OutputOptions): Output {
  const paint = (style: Style, text: string): string =>
    options.color ? `\u001B[${codes[style]}m${text}\u001B[0m` : text;
  const print = (text: string): void => void options.stdout.write(`${text}\n`);
  const write = options.yaml ?? JSON.stringify;
  const say = (text: string): void => {
    if (!options.quiet) options.stderr.write(`${text}\n`);
  };
  return {
    ...options,
    paint,
    say,
    detail(text) {
      if (options.verbose) say(text);
    },
    result(document, lines) {
      if (options.json) print(write(document));
      else for (const line of lines) print(line);
    },
    table(document, head, rows) {
      if (options.json) print(write(document));
      else for (const line of renderTable(head, rows, (text) => paint("dim", text))) print(line);
    },
    line(document, text) {
      if (options.yaml !== undefined) print("---");
      print(options.json ? write(document) : text);
    },
    error(error) {
      const document: ErrorDocument = error.toDocument();
      if (options.json) print(write({ error: document }));
      for (const line of describeError(document, paint)) options.stderr.write(`${line}\n`);
      if (document.code === "ERR_INTERNAL" && options.verbose) options.stderr.write(`${error.stack ?? ""}\n`);
    },
  };
}

/** What happened, where, what to do next, and the code to search for. */
function describeError(error: ErrorDocument, paint: Output["paint"]): string[] {
  const { where } = error;
  const place =
    where?.file === undefined
      ? undefined
      : [where.file, where.line, where.column].filter((part) => part !== undefined).join(":");
  const [first = "", ...more] = error.message.split("\n");
  return [
    `${paint("red", "error:")} ${first}`,
    ...more.map((line) => `       ${line}`),
    ...(place === undefined ? [] : [`  ${paint("cyan", "at")} ${place}`]),
    ...(error.hint === undefined ? [] : [`  ${paint("cyan", "next:")} ${error.hint}`]),
    `  ${paint("dim", `code: ${error.code}`)}`,
  ];
}
