import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSecrets, tryOpen } from "../../src/release/secrets.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bloom-secrets-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("any text comes back, also after a restart, and never twice as the same bytes", async () => {
  const secrets = await openSecrets(join(folder, "key"));
  const again = await openSecrets(join(folder, "key"));
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const sealed = secrets.seal(text);
      expect(again.open(sealed)).toBe(text);
      expect(secrets.seal(text)).not.toBe(sealed);
    }),
  );
});

test("the key is readable by its owner alone", async () => {
  await openSecrets(join(folder, "key"));
  expect((await stat(join(folder, "key"))).mode & 0o777).toBe(0o600);
});

test("a changed text and another key are refused with words", async () => {
  const secrets = await openSecrets(join(folder, "key"));
  const other = await openSecrets(join(folder, "other"));
  const sealed = secrets.seal("value");
  const broken = `${sealed.slice(0, -4)}${sealed.endsWith("AAA=") ? "BBB=" : "AAA="}`;
  expect(() => other.open(sealed)).toThrow(/cannot be opened/);
  expect(() => secrets.open(broken)).toThrow(/cannot be opened/);
  expect(() => secrets.open("v1.")).toThrow(/cannot be opened/);
  expect([tryOpen(secrets, sealed), tryOpen(other, sealed)]).toEqual(["value", null]);
});

test("a key of the wrong size is named", async () => {
  await writeFile(join(folder, "key"), "short");
  await expect(openSecrets(join(folder, "key"))).rejects.toThrow(/must hold 32 bytes, but holds 5/);
});
