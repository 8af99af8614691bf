import { z } from "zod";
import { parseByteSize } from "./byte-size.js";
import { element, key } from "./key-meta.js";
import { lineText } from "./scalars.js";

const passthru = z.union([z.boolean(), z.string().regex(/^\/\S*$/)]);
const expires = z.union([z.number().int().min(-1), z.string().regex(/^(?:-1|\d{1,12}(?:ms|[smhdwMy])?)$/)]);
const headers = z.record(
  z.string(),
  element(lineText, {
    about: "The header's value.",
    expected: "a header's value as text on one line",
    example: "nosniff",
  }),
);

/** The keys a location and a rule have in common. */
const shared = {
  passthru: key(passthru, {
    about:
      "Whether requests that no file answers go to the app; a path is the address they are led to instead.",
    expected: 'true, false or a path such as "/index.html"',
    example: true,
    default: "true",
    notYet: (value) =>
      typeof value === "string"
        ? "a path here takes effect in a later release; until then such requests go to the app"
        : null,
  }),
  expires: key(expires, {
    about: "How long clients may keep static files: seconds, or a number with ms, s, m, h, d, w, M or y.",
    expected: 'seconds, -1, or a time such as "2h"',
    example: "2h",
    default: "-1, no caching",
    effect: "later",
  }),
  allow: key(z.boolean(), {
    about: "Whether files below `root` may be served when no rule decides.",
    expected: "true or false",
    example: true,
    default: "true",
  }),
  scripts: key(z.boolean(), {
    about: "Whether PHP scripts may run.",
    expected: "true or false",
    example: false,
    effect: "ignored",
  }),
  headers: key(headers, {
    about: "Headers for static files.",
    expected: "header names with their values",
    example: { "X-Content-Type-Options": "nosniff" },
    effect: "later",
  }),
};

const ruleSchema = element(z.object(shared), {
  about: "What is different for requests that match.",
  expected: "keys of a location",
  example: { allow: false },
});

const requestBuffering = z.object({
  enabled: key(z.boolean(), {
    about: "Whether a request's body is collected before the app sees it.",
    expected: "true or false",
    example: true,
    default: "true",
  }),
  max_request_size: key(
    z.union([z.number().int().min(0), z.string().refine((size) => parseByteSize(size) !== null)]),
    {
      about: "The largest body that is accepted.",
      expected: 'a size such as "250m"',
      example: "250m",
      default: "250m",
    },
  ),
});

/** One entry of `web.locations`, and of `[http.locations]` in bloom.toml. */
const locationSchema = z.object({
  root: key(z.string(), {
    about: "The folder of static files behind this prefix, relative to the app.",
    expected: "a folder below the app",
    example: "public",
    default: "none",
  }),
  ...shared,
  index: key(
    z.array(element(lineText, { about: "A file name.", expected: "a file name", example: "index.html" })),
    {
      about: "Files to look for when a folder is asked for.",
      expected: "a list of file names",
      example: ["index.html"],
      effect: "later",
    },
  ),
  rules: key(z.record(z.string(), ruleSchema), {
    about: "Regular expressions over the whole path, each with keys that replace the location's.",
    expected: "regular expressions with keys of a location",
    example: { "\\.css$": { expires: "2h" } },
    entry: "regex",
    effect: "later",
  }),
  request_buffering: key(requestBuffering, {
    about: "Collecting request bodies before the app sees them.",
    expected: "the keys enabled and max_request_size",
    example: { enabled: true },
    effect: "later",
  }),
});

/** Path prefix to location. */
export const locationsSchema = z.record(
  z.string(),
  element(locationSchema, {
    about: "One path prefix.",
    expected: "keys of a location",
    example: { passthru: true },
  }),
);
