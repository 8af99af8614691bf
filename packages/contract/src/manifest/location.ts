import { z } from "zod";
import { parseProxySize } from "./byte-size.js";
import { element, key } from "./key-meta.js";
import { lineText } from "./scalars.js";

/** A header's value; numbers and true or false are taken as they are written. */
// oxlint-disable-next-line no-control-regex -- they are what is refused
const headerValue = z.union([z.string().regex(/^[^\u0000-\u001f\u007f]*$/), z.number(), z.boolean()]);
const passthru = z.union([z.boolean(), z.string().regex(/^\/\S*$/)]);
const expires = z.union([z.number().int().min(-1), z.string().regex(/^(?:-1s?|\d{1,12}(?:ms|[smhdwMy])?)$/)]);
const headers = z.record(
  z.string(),
  element(headerValue, {
    about: "The header's value.",
    expected: "a header's value as text on one line",
    example: "nosniff",
  }),
);

/** The keys a location and a rule have in common. */
const shared = {
  passthru: key(passthru, {
    about:
      "Whether requests that no file answers go to the app; a path is the address inside the app they are led to instead, and may hold `$name` of a rule's captures.",
    expected: 'true, false or a path such as "/index.html"',
    example: true,
    default: "true",
  }),
  expires: key(expires, {
    about: "How long clients may keep static files: seconds, or a number with ms, s, m, h, d, w, M or y.",
    expected: 'seconds, -1, or a time such as "2h"',
    example: "2h",
    default: "-1, no caching",
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
    about: "Headers for static files; those of a rule replace all of the location's.",
    expected: "header names with their values",
    example: { "X-Content-Type-Options": "nosniff" },
    default: "none",
    entry: "header",
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
    z.union([z.number().int().min(0), z.string().refine((size) => parseProxySize(size) !== null)]),
    {
      about: "The largest body that is accepted, with K, M or G of 2^10, 2^20 or 2^30 bytes; 0 is no limit.",
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
      default: "none",
    },
  ),
  rules: key(z.record(z.string(), ruleSchema), {
    about:
      "Regular expressions (PCRE) over the whole path, each with keys that replace the location's; the first that matches decides.",
    expected: "regular expressions with keys of a location",
    example: { "\\.css$": { expires: "2h" } },
    default: "none",
    entry: "regex",
  }),
  request_buffering: key(requestBuffering, {
    about: "Collecting request bodies before the app sees them.",
    expected: "the keys enabled and max_request_size",
    example: { enabled: true },
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
