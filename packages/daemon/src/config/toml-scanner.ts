import type { Place } from "./source.js";

/** One part of a dotted key. */
export interface KeyPart {
  readonly text: string;
  readonly place: Place;
}

/** Steps through a TOML text and knows line and column. */
export class TomlScanner {
  readonly #text: string;
  #offset = 0;
  #line = 1;
  #lineStart = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get offset(): number {
    return this.#offset;
  }

  place(): Place {
    return { line: this.#line, column: this.#offset - this.#lineStart + 1 };
  }

  peek(): string {
    return this.#text.charAt(this.#offset);
  }

  isAtEnd(): boolean {
    return this.#offset >= this.#text.length;
  }

  /** Steps over `expected` when it comes next. */
  take(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.#offset)) return false;
    this.#step(expected.length);
    return true;
  }

  skipSpaces(): void {
    this.#skip(/[ \t]+/y);
  }

  /** Spaces, line ends and comments. */
  skipBlank(): void {
    this.#skip(/(?:[ \t\r\n]+|#[^\n]*)+/y);
  }

  /** `a."b c".'d'`; what stands around the dots may be spaced. */
  readKey(): KeyPart[] {
    const parts: KeyPart[] = [];
    do {
      this.skipSpaces();
      const place = this.place();
      const first = this.peek();
      const text = first === '"' || first === "'" ? this.readString() : this.#skip(/[A-Za-z0-9_-]+/y);
      if (text === "" && first !== '"' && first !== "'") return parts;
      parts.push({ text, place });
      this.skipSpaces();
    } while (this.take("."));
    return parts;
  }

  /** Any of the four strings; gives its text as far as a key needs it. */
  readString(): string {
    const whole =
      this.#skip(/"""(?:\\[^]|(?!""")[^])*"""{1,3}/y) ||
      this.#skip(/'''(?:(?!''')[^])*'''{1,3}/y) ||
      this.#skip(/"(?:\\[^]|[^"\\\n])*"/y) ||
      this.#skip(/'[^'\n]*'/y);
    return whole.startsWith('"') ? unescape(whole.slice(1, -1)) : whole.slice(1, -1);
  }

  /** A number, a date, true or false. */
  readBare(): string {
    return this.#skip(/[^,\]}#\r\n]+/y).trimEnd();
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#step(found.length);
    return found;
  }

  #step(length: number): void {
    for (const end = this.#offset + length; this.#offset < end; this.#offset++) {
      if (this.#text.charCodeAt(this.#offset) === 10) {
        this.#line++;
        this.#lineStart = this.#offset + 1;
      }
    }
  }
}

const escapes: Readonly<Record<string, string>> = {
  b: "\b",
  e: "\u001b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

function unescape(text: string): string {
  return text.replace(
    /\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))/gs,
    (whole, ...groups) => {
      const [x, u, long, letter] = groups as (string | undefined)[];
      const digits = x ?? u ?? long;
      if (digits === undefined) return escapes[letter ?? ""] ?? letter ?? whole;
      const point = Number.parseInt(digits, 16);
      return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    },
  );
}
