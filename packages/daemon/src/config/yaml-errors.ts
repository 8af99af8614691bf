import type { YAMLParseError } from "yaml";
import { tooDeep } from "./source.js";

type Code = YAMLParseError["code"];

/** The mistakes people make, in their words; the parser's own sentence serves for the others. */
const words: Partial<Record<Code, string>> = {
  TAB_AS_INDENT: "a tab is used for indentation; write spaces",
  BLOCK_AS_IMPLICIT_KEY:
    "a second `key:` begins on the same line; put the text in quotes, or the inner keys on lines of their own",
  BLOCK_IN_FLOW: "an indented block cannot stand inside brackets; close the bracket first",
  MULTILINE_IMPLICIT_KEY:
    "a line without a colon stands where a key is expected; write `key: value`, or indent it under its key",
  BAD_INDENT:
    "the indentation does not match the lines around; indent the keys of one mapping by the same number of spaces",
  BAD_SCALAR_START: "a plain text cannot begin with this character; put it in quotes",
  BAD_DQ_ESCAPE: "an unknown escape in double quotes; write \\\\ for a backslash, or use single quotes",
  MULTIPLE_ANCHORS: "a value has two anchors; remove one",
  MULTIPLE_TAGS: "a value has two tags; remove one",
  ALIAS_PROPS: "an alias cannot have an anchor or a tag of its own; remove it",
  RESOURCE_EXHAUSTION: tooDeep,
};

/** What a YAML parser error means, and what to do about it. */
export function describeYamlError(error: YAMLParseError): string {
  const bracket = /must be sufficiently indented and end with an? (\S)/.exec(error.message)?.[1];
  if (bracket !== undefined) return `a bracket has no end; write the closing ${bracket}`;
  const known = words[error.code];
  if (known !== undefined) return known;
  const quote = /^Missing closing (['"])quote/.exec(error.message)?.[1];
  if (quote !== undefined) return `a text in quotes has no end; write the closing ${quote}`;
  if (error.message.startsWith("Implicit map keys need to be followed")) {
    return "a key without a colon; write `key: value`";
  }
  const [sentence = ""] = error.message.split("\n");
  const lower = sentence.charAt(0).toLowerCase() + sentence.slice(1);
  return `this is not YAML: ${lower}; check the indentation, the quotes and the brackets here`;
}
