import { hasControlCharacters } from "@bloomery/contract";

/** What a rule's regular expression may have. */
const longest = 1000;

/** Whether a pattern can be used; warnings are about patterns that work and may be very slow. */
export interface PatternCheck {
  readonly error: string | null;
  readonly warning: string | null;
}

const fine: PatternCheck = { error: null, warning: null };

/**
 * A first look at a regular expression of the proxy (PCRE): brackets, quantifiers, size. The proxy's own compiler has
 * the last word later, so what is not clear here passes.
 */
export function checkPattern(pattern: string): PatternCheck {
  const wrong = (error: string): PatternCheck => ({ error, warning: null });
  if (pattern === "") return wrong('the regular expression is empty; write one such as "\\.css$"');
  if (pattern.length > longest)
    return wrong(`the regular expression has more than ${longest} characters; write several rules`);
  if (hasControlCharacters(pattern))
    return wrong("the regular expression has control characters; write \\n, \\t or \\x.. for them");
  // With the flag x, blanks and comments mean nothing, and brackets may stand in them.
  if (/\(\?[a-wyzA-Z^]*x/.test(pattern)) return fine;
  return new PatternScanner(pattern).check();
}

/** One alternative of a group, while it is read. */
interface Branch {
  /** Whether a piece of it repeats without an end. */
  repeats: boolean;
  /** Whether a piece must be there a certain number of times, so that rounds are told apart by it. */
  isFixed: boolean;
}

interface Group {
  branch: Branch;
  /** Whether one of its alternatives is nothing but repetitions. */
  isLoose: boolean;
}

class PatternScanner {
  readonly #pattern: string;
  #at = 0;
  readonly #outer: Group[] = [];
  #group: Group = newGroup();
  /** What stands before, which a quantifier would repeat. */
  #last: "nothing" | "piece" | "loose group" | "repetition" = "nothing";
  #isExplosive = false;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  check(): PatternCheck {
    while (this.#at < this.#pattern.length) {
      const error = this.#step();
      if (error !== null) return { error, warning: null };
    }
    if (this.#outer.length > 0)
      return { error: "a ( of the regular expression has no end; write the closing )", warning: null };
    const warning = this.#isExplosive
      ? "a repetition within a repetition, such as (a+)+, can take the proxy very long; write it with one of them"
      : null;
    return { error: null, warning };
  }

  #step(): string | null {
    const char = this.#pattern[this.#at] ?? "";
    switch (char) {
      case "\\":
        return this.#escape();
      case "[":
        return this.#class();
      case "(":
        return this.#open();
      case ")":
        return this.#close();
      case "|":
        this.#endBranch();
        this.#at++;
        return null;
      case "*":
      case "+":
      case "?":
        return this.#quantifier(1, { isEndless: char !== "?", isOptional: char !== "+" });
      case "{": {
        // Anything else between braces is text; `{,3}` is for some versions.
        const braces = /^\{(\d+)(,?)(\d*)\}/.exec(this.#pattern.slice(this.#at));
        if (braces === null) return this.#piece(1);
        const isEndless = braces[2] === "," && braces[3] === "";
        return this.#quantifier(braces[0].length, { isEndless, isOptional: Number(braces[1]) === 0 });
      }
      default:
        return this.#piece(1);
    }
  }

  #piece(length: number): null {
    this.#settle();
    this.#at += length;
    this.#last = "piece";
    return null;
  }

  /** The last piece has no quantifier, so it stands for itself. */
  #settle(): void {
    const { branch } = this.#group;
    if (this.#last === "piece") branch.isFixed = true;
    if (this.#last === "loose group") branch.repeats = true;
    this.#last = "nothing";
  }

  #endBranch(): void {
    this.#settle();
    const { branch } = this.#group;
    this.#group.isLoose ||= branch.repeats && !branch.isFixed;
    this.#group.branch = { repeats: false, isFixed: false };
  }

  #escape(): string | null {
    if (this.#at + 1 >= this.#pattern.length)
      return "the regular expression ends with a single backslash; write \\\\ for a backslash";
    if (this.#pattern[this.#at + 1] !== "Q") return this.#piece(2);
    // Everything up to \E is plain text.
    const end = this.#pattern.indexOf("\\E", this.#at + 2);
    return this.#piece((end < 0 ? this.#pattern.length : end + 2) - this.#at);
  }

  #class(): string | null {
    const text = this.#pattern;
    let at = this.#at + 1;
    if (text[at] === "^") at++;
    // A bracket that comes first is one of the characters.
    if (text[at] === "]") at++;
    for (; at < text.length; at++) {
      const named = /^\[([:.=])[^\]]*?\1\]/.exec(text.slice(at, at + 40));
      if (named !== null) at += named[0].length - 1;
      else if (text[at] === "\\") at++;
      else if (text[at] === "]") return this.#piece(at + 1 - this.#at);
    }
    return "a [ of the regular expression has no end; write the closing ]";
  }

  #open(): string | null {
    const rest = this.#pattern.slice(this.#at, this.#at + 120);
    const comment = rest.startsWith("(?#") ? this.#pattern.indexOf(")", this.#at) : -1;
    if (comment >= 0) {
      this.#at = comment + 1;
      return null;
    }
    const prefix =
      /^\((?:\*[A-Z_:a-z0-9=]*|\?(?:<?[=!]|[:>|]|P?<\w+>|'\w+'|[a-zA-Z^-]*:?|P[=>]\w+|[+-]?\d+|&\w+))?/.exec(
        rest,
      );
    this.#settle();
    this.#outer.push(this.#group);
    this.#group = newGroup();
    this.#at += prefix?.[0].length ?? 1;
    return null;
  }

  #close(): string | null {
    const outer = this.#outer.pop();
    if (outer === undefined)
      return "a ) of the regular expression closes nothing; write \\) for the character, or remove it";
    this.#endBranch();
    this.#last = this.#group.isLoose ? "loose group" : "piece";
    this.#group = outer;
    this.#at++;
    return null;
  }

  #quantifier(length: number, how: { isEndless: boolean; isOptional: boolean }): string | null {
    if (this.#last === "nothing") {
      const shown = this.#pattern.slice(this.#at, this.#at + length);
      return `nothing stands before ${shown} in the regular expression that could be repeated; write \\${shown} for the character`;
    }
    const { branch } = this.#group;
    if (how.isEndless && this.#last === "loose group") this.#isExplosive = true;
    if (how.isEndless) branch.repeats = true;
    else if (!how.isOptional) this.#settle();
    this.#at += length;
    // `+?` takes as little as it can, `++` never gives back.
    const next = this.#pattern[this.#at];
    if (next === "?" || next === "+") this.#at++;
    // What follows may repeat this once more; whether that is allowed is for the proxy to say.
    this.#last = "repetition";
    return null;
  }
}

function newGroup(): Group {
  return { branch: { repeats: false, isFixed: false }, isLoose: false };
}
