import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "./fake-daemon.js";

let home: string;
let root: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "bloom-ini-"));
  root = join(home, "shop");
  await mkdir(root);
  await writeFile(join(root, "app.rs"), '#![crate_type = "cdylib"]\n');
  await writeFile(join(root, "app.ini"), "[uwsgi]\nplugin = rust\ndlopen = ./libapp.so\n");
});
afterEach(() => rm(home, { recursive: true }));

/** A host that says this, after it has looked at what it was asked. */
async function validate(script: string) {
  const host = join(home, "host");
  await writeFile(host, `#!/bin/sh\n[ -f "$1" ] && [ "$3" = --show-config=json ] || exit 9\n${script}\n`);
  await chmod(host, 0o755);
  const { code, stdout } = await run(["validate", root, "--json"], { BLOOM_PREFORK: host });
  return { code, ...(JSON.parse(stdout) as { config: unknown; problems: unknown[] }) };
}

const shown = (more: object): string => `echo '${JSON.stringify({ apps: [], ...more })}'`;

test("an ini that the host takes is fine", async () => {
  expect(await validate(shown({}))).toMatchObject({ code: 0, problems: [], config: { shape: "prefork" } });
});

test("what the host complains of is an error with its place", async () => {
  const complaints = "echo 'app.ini:2:1: there is no option plugn' >&2; echo 'app.ini:3:10: no' >&2; exit 1";
  expect(await validate(complaints)).toMatchObject({
    code: 2,
    config: null,
    problems: [
      { severity: "error", file: "app.ini", line: 2, column: 1, message: "there is no option plugn" },
      { severity: "error", line: 3, column: 10 },
    ],
  });
});

test("what it warns of is a warning", async () => {
  expect(await validate(shown({ warnings: ["app.ini:3:1: uid says nothing"] }))).toMatchObject({
    code: 0,
    problems: [{ severity: "warning", file: "app.ini", line: 3, message: "uid says nothing" }],
  });
});

test("a library that no deployment would have is an error where it is named", async () => {
  await writeFile(join(root, "app.ini"), "[uwsgi]\nplugin = rust\ndlopen = ../libapp.so\n");
  const [app, own] = [join(home, "libapp.so"), join(root, "libown.so")].map((library) => ({
    ...{ mount: "", library, library_as_written: "../libapp.so", function: null },
  }));
  expect(await validate(shown({ apps: [app, own] }))).toMatchObject({
    code: 2,
    problems: [{ file: "app.ini", line: 3, column: 10, message: expect.stringContaining("lies outside") }],
  });
  expect(await validate(shown({ apps: [own] }))).toMatchObject({ code: 0, problems: [] });
});

test("words that cannot be read are not taken for consent", async () => {
  expect(await validate("echo fine")).toMatchObject({ code: 2, problems: [{ file: "app.ini" }] });
});

test("without a host it is said that nobody has looked", async () => {
  const { code, stdout } = await run(["validate", root], { BLOOM_PREFORK: join(home, "none") });
  expect(code).toBe(0);
  expect(stdout).toContain("app.ini:1:1 warning: what stands in it was not checked");
  expect(stdout).toContain("valid: shop, prefork app");
});

test("an ini alone makes a folder in a repository a project", async () => {
  await mkdir(join(home, ".git"));
  expect(await validate(shown({}))).toMatchObject({ code: 0, config: { name: "shop", sourceRoot: "" } });
});
