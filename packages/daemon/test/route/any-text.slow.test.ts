import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { completeLocation, type LocationConfig } from "@bloomery/contract";
import { assertRoutable, checkLocations, type CheckingNginx } from "../../src/route/assert-routable.js";
import { matchPattern } from "../../src/route/match-pattern.js";
import { readNginxVersion } from "../../src/route/run-nginx.js";
import { call } from "./call.js";
import { nginxBinary, openBench, type NginxBench } from "./real-nginx.js";
import { makeTarget } from "./targets.js";

let bench: NginxBench;
let nginx: CheckingNginx;
let artifactDir: string;
beforeAll(async () => {
  bench = await openBench();
  nginx = { binary: nginxBinary, version: await readNginxVersion(nginxBinary) };
  artifactDir = join(bench.home, "tree");
  await mkdir(artifactDir);
  await chmod(artifactDir, 0o755);
  await writeFile(join(artifactDir, "a.txt"), "a");
});
afterAll(() => bench.close());

const nasty = [
  '"',
  "'",
  "\\",
  "$",
  "${",
  "{",
  "}",
  ";",
  "#",
  "|",
  "~",
  "@",
  "(",
  ")",
  "[",
  "]",
  "?",
  "*",
  "+",
  "^",
  ".",
  " ",
  "é",
  "%",
  "host",
  "a",
  "1",
  "\\Q",
  "(?<n>",
  "$n",
  "\u{1f980}",
];
const word = fc.array(fc.constantFrom(...nasty), { maxLength: 12 }).map((parts) => parts.join(""));
const path = fc.array(
  word.map((text) => text.replaceAll("/", "")),
  { minLength: 1, maxLength: 3 },
);
const location = fc
  .record({
    root: fc.constantFrom(null, "", "public"),
    passthru: fc.oneof(
      fc.boolean(),
      word.map((text) => `/${text.replaceAll(/\s/g, "")}`),
    ),
    allow: fc.boolean(),
    expiresSeconds: fc.constantFrom(-1, 0, 60, 2 ** 31 - 1),
    headers: fc.dictionary(fc.constantFrom("X-A", "Content-Type", "cache-control", "x!#$%&'*+.^_`|~-"), word),
    index: fc.array(
      word.filter((text) => text !== ""),
      { maxLength: 2 },
    ),
    rules: fc.array(
      fc.record({ pattern: word.filter((text) => text !== ""), passthru: word.map((text) => `/${text}`) }),
      { maxLength: 3 },
    ),
  })
  .map((wish) => completeLocation(wish));

test("whatever a manifest may say, nginx takes it or the app is refused", async () => {
  const check = fc.asyncProperty(fc.array(fc.tuple(path, location), { maxLength: 4 }), async (places) => {
    const entries = places.map(([steps, one]): [string, LocationConfig] => [
      `/${steps.join("/")}`.replace(/\/+$/, "") || "/",
      one,
    ]);
    const target = makeTarget({
      artifactDir,
      locations: { "/": completeLocation({}), ...Object.fromEntries(entries) },
    });
    await assertRoutable(nginx, target).catch((error: unknown) => {
      // A broken expression may be refused, and nothing else.
      expect(error).toMatchObject({
        code: "ERR_MANIFEST_INVALID",
        message: expect.stringContaining("is no regular expression"),
      });
    });
  });
  await fc.assert(check, { numRuns: 60 });
});

test("headers arrive as they are written", async () => {
  const values = fc.sample(word, 200).filter((value) => value.trim() === value && value !== "");
  const locations = Object.fromEntries(
    values.map((value, index): [string, LocationConfig] => [
      `/${index}`,
      completeLocation({ root: "", passthru: false, headers: { "X-Value": value } }),
    ]),
  );
  await bench.serve([makeTarget({ artifactDir, locations: { "/": completeLocation({}), ...locations } })]);
  for (const [index, value] of values.entries()) {
    const { headers } = await call(bench.port, { path: `/${index}/a.txt` });
    expect(Buffer.from(String(headers["x-value"]), "latin1").toString()).toBe(value);
  }
});

test("explain and nginx agree about expressions", async () => {
  const piece = fc.constantFrom(
    "a",
    "b",
    ".",
    "\\.",
    "[ab]",
    "(a|b)",
    "a?",
    "b*",
    "(?:ab)+",
    "^/",
    "$",
    "\\d",
    "é",
    "(?<x>a)",
    "\\w",
    "[^/]",
    "{2}",
  );
  const patterns = fc.sample(
    fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("")),
    150,
  );
  const paths = ["/a", "/ab", "/a.b", "/1", "/é", "/bb/a", "/a\nb"];
  const usable: string[] = [];
  for (const pattern of new Set(patterns)) {
    const problems = await checkLocations(nginx, { "/": completeLocation({ rules: [{ pattern }] }) });
    if (problems.length === 0 && matchPattern(pattern, "/a") !== undefined) usable.push(pattern);
  }
  expect(usable.length).toBeGreaterThan(30);
  const locations = Object.fromEntries(
    usable.map((pattern, index): [string, LocationConfig] => [
      `/${index}`,
      // The prefix is part of the path, so it is left out of what is compared.
      completeLocation({ root: "", passthru: false, rules: [{ pattern, passthru: "/matched" }] }),
    ]),
  );
  const target = makeTarget({
    artifactDir,
    servers: [{ kind: "unix", path: "/nonexistent.sock" }],
    locations: { "/": completeLocation({}), ...locations },
  });
  await assertRoutable(nginx, target);
  await bench.serve([target]);
  for (const [index, pattern] of usable.entries()) {
    for (const one of paths) {
      const full = `/${index}${one}`;
      const { status } = await call(bench.port, { path: encodeURI(full) });
      // Led to the app, which is not there; or nothing there.
      expect([pattern, full, status]).toEqual([
        pattern,
        full,
        matchPattern(pattern, full) === null ? 404 : 502,
      ]);
    }
  }
});
