import { blankRust } from "../function/scan-rust.js";
import { oldFeatures } from "./old-features.js";

/** A file that today's compiler does not take as it is, made into one that it may take. */
export interface PreludePlan {
  /** Every line of the file is where it was; what is new comes behind the last one. */
  readonly text: string;
  /** What was changed, one sentence each. */
  readonly changes: readonly string[];
  /** What was part of Rust once and has nothing in its place that could be put there by itself. */
  readonly gone: readonly { readonly line: number; readonly message: string }[];
}

/** A place of the text and what stands there instead. */
interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

interface Step {
  readonly edits: readonly Edit[];
  readonly changes: readonly string[];
  /** Lines behind the file. */
  readonly added?: string;
}

const nothing: Step = { edits: [], changes: [] };

/** The module in which everything stands that is added; no author's module is called so. */
const moduleName = "bloomery_prelude";

/**
 * What a file in the Rust of about 2015 needs to be compiled today. Looks at code only, never at comments and texts,
 * and changes nothing whose meaning could become another: whatever else is old is for the compiler to say.
 */
export function planPrelude(source: string): PreludePlan {
  const code = blankRust(source);
  const steps = [
    dropFeatures(code),
    dropCrateId(source, code),
    renameCollections(code),
    renameDerives(code),
    lengthenSuffixes(code),
    ...helpers.map((helper) => addHelper(code, helper)),
  ];
  const added = steps.flatMap((step) => step.added ?? []);
  const edits = steps.flatMap((step) => step.edits).toSorted((one, other) => one.from - other.from);
  return {
    text: `${applyEdits(source, edits)}${renderModule(added)}`,
    changes: steps.flatMap((step) => step.changes),
    gone: findGone(code),
  };
}

/** `#![feature(…)]`: known names go, and the whole attribute when none is left. */
function dropFeatures(code: string): Step {
  const found = [...code.matchAll(/#!\s*\[\s*feature\s*\(([^)]*)\)\s*\]/g)];
  const steps = found.map((match): Step => {
    const names = (match[1] ?? "")
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "");
    const kept = names.filter((name) => !oldFeatures.has(name));
    const dropped = names.filter((name) => oldFeatures.has(name));
    if (dropped.length === 0) return nothing;
    const from = match.index;
    const to = from + match[0].length;
    const text = kept.length === 0 ? "" : `#![feature(${kept.join(", ")})]`;
    return {
      edits: [{ from, to, text: keepLines(match[0], text) }],
      changes: [`removed #![feature(${dropped.join(", ")})] (line ${lineOf(code, from)}): needed no more`],
    };
  });
  return join(steps);
}

/** `#![crate_id = "app#0.1"]` names the crate, which rustc is told by its caller. */
function dropCrateId(source: string, code: string): Step {
  // The text between the quotes is blanked, the rest is not.
  const match = /#!\s*\[\s*crate_id\s*=[^\]]*\]/.exec(code);
  if (match === null) return nothing;
  const [from, to] = [match.index, match.index + match[0].length];
  return {
    edits: [{ from, to, text: keepLines(match[0], "") }],
    changes: [`removed ${source.slice(from, to)} (line ${lineOf(code, from)}): an attribute of 2014`],
  };
}

/** What that crate held is in `alloc`. */
function renameCollections(code: string): Step {
  const match = /\bextern\s+crate\s+collections\s*;/.exec(code);
  if (match === null) return nothing;
  const text = keepLines(match[0], "extern crate alloc as collections;");
  return {
    edits: [{ from: match.index, to: match.index + match[0].length, text }],
    changes: [
      `extern crate collections (line ${lineOf(code, match.index)}): taken from alloc, its name today`,
    ],
  };
}

/** `#[deriving(…)]` and `Show` in it. */
function renameDerives(code: string): Step {
  const steps = [...code.matchAll(/#\s*\[\s*(deriv(?:e|ing))\s*\(([^)]*)\)/g)].map((match): Step => {
    const line = lineOf(code, match.index);
    const word = match[1] ?? "";
    const from = match.index + match[0].indexOf(word);
    const list = match.index + match[0].lastIndexOf("(") + 1;
    const show = /\bShow\b/.exec(match[2] ?? "");
    return join([
      word === "derive"
        ? nothing
        : {
            edits: [{ from, to: from + word.length, text: "derive" }],
            changes: [`#[deriving] (line ${line}): written derive, its name today`],
          },
      show === null
        ? nothing
        : {
            edits: [{ from: list + show.index, to: list + show.index + 4, text: "Debug" }],
            changes: [`derive(Show) (line ${line}): written Debug, its name today`],
          },
    ]);
  });
  return join(steps);
}

/** `5i` and `5u`. */
function lengthenSuffixes(code: string): Step {
  const found = [...code.matchAll(/(?<![\w.])(?:0x[0-9a-fA-F_]+|\d[\d_]*)([iu])(?!\w)/g)];
  if (found.length === 0) return nothing;
  const edits = found.map((match): Edit => {
    const to = match.index + match[0].length;
    return { from: to - 1, to, text: `${match[1] ?? ""}size` };
  });
  const lines = [...new Set(found.map(({ index }) => lineOf(code, index)))].join(", ");
  return { edits, changes: [`numbers that end in i or u (line ${lines}): written isize and usize`] };
}

/** Something that was there once, and can be there again beside the author's code. */
interface Helper {
  readonly wanted: RegExp;
  /** With this in the code somebody has seen to it, or means something else. */
  readonly unless: RegExp;
  readonly code: string;
  readonly change: string;
}

const helpers: readonly Helper[] = [
  {
    wanted: /\bString\s*::\s*from_str\s*\(/,
    unless: /\bFromStr\b/,
    code: "pub trait StringFromStr { fn from_str(text: &str) -> Self; } impl StringFromStr for String { fn from_str(text: &str) -> Self { String::from(text) } }",
    change: "String::from_str: added a local trait that makes a String of a text, as it did then",
  },
  {
    wanted: /(?<![.:]\s*)(?<!\w)from_str\s*(?:::\s*<|\()/,
    unless: /\bfn\s+from_str\b/,
    code: "pub fn from_str<T: ::std::str::FromStr>(text: &str) -> Option<T> { text.parse().ok() }",
    change: "from_str: added a local function that parses a text, as it did then",
  },
  {
    wanted: /\.\s*as_slice\s*\(\s*\)/,
    unless: /\bfn\s+as_slice\b/,
    code: "pub trait StringAsSlice { fn as_slice(&self) -> &str; } impl StringAsSlice for String { fn as_slice(&self) -> &str { self } } impl StringAsSlice for str { fn as_slice(&self) -> &str { self } }",
    change: "as_slice: added a local trait that gives the text of a String, as it did then",
  },
  {
    wanted: /(?<![.:]\s*)(?<!\w)range\s*\(/,
    unless: /\bfn\s+range\b|\blet\s+(?:mut\s+)?range\b/,
    code: "pub fn range<T>(from: T, to: T) -> ::std::ops::Range<T> { from..to }",
    change: "range: added a local function that gives from..to, as it did then",
  },
  {
    wanted: /(?:(?<!:):|<|->|\bas\b)\s*[&([]*\s*(?:mut\s+)?int\b/,
    unless: /\b(?:type|struct|enum|trait|mod)\s+int\b/,
    code: "pub type int = isize;",
    change: "int: added as another name of isize",
  },
  {
    wanted: /(?:(?<!:):|<|->|\bas\b)\s*[&([]*\s*(?:mut\s+)?uint\b/,
    unless: /\b(?:type|struct|enum|trait|mod)\s+uint\b/,
    code: "pub type uint = usize;",
    change: "uint: added as another name of usize",
  },
];

function addHelper(code: string, { wanted, unless, code: added, change }: Helper): Step {
  return wanted.test(code) && !unless.test(code) ? { edits: [], changes: [change], added } : nothing;
}

/** The whole of it on one line behind the author's last one. */
function renderModule(added: readonly string[]): string {
  if (added.length === 0) return "";
  const allow = "#[allow(dead_code, non_camel_case_types, unused_imports)]";
  return `\n${allow} mod ${moduleName} { ${added.join(" ")} } #[allow(unused_imports)] use ${moduleName}::*;\n`;
}

const goneModules: Readonly<Record<string, string>> = {
  old_io: "std::old_io is gone since 2015; write std::io, std::fs and std::net, which have other names",
  old_path: "std::old_path is gone since 2015; write std::path",
  rand: "std::rand is gone since 2015; take the crate rand, with a Cargo.toml",
};

function findGone(code: string): PreludePlan["gone"] {
  return [...code.matchAll(/\bstd\s*::\s*(\w+)/g)].flatMap(({ 1: name = "", index }) => {
    const message = Object.hasOwn(goneModules, name) ? goneModules[name] : undefined;
    return message === undefined ? [] : [{ line: lineOf(code, index), message }];
  });
}

/** As many lines as the old text has, so that those below stay where they are. */
function keepLines(old: string, text: string): string {
  return text + "\n".repeat(old.split("\n").length - 1);
}

function applyEdits(source: string, edits: readonly Edit[]): string {
  let done = 0;
  const parts = edits.flatMap(({ from, to, text }) => {
    const part = [source.slice(done, from), text];
    done = to;
    return part;
  });
  return parts.join("") + source.slice(done);
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

function join(steps: readonly Step[]): Step {
  return {
    edits: steps.flatMap(({ edits }) => edits),
    changes: steps.flatMap(({ changes }) => changes),
  };
}
