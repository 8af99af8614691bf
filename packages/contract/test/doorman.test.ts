import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { doormanNews, doormanOrder } from "../src/index.js";

/** The same files that `crates/control` is checked against: two languages, one protocol. */
const folder = fileURLToPath(new URL("../../../fixtures/doorman", import.meta.url));
const schemaOf = (file: string) => (file.startsWith("order.") ? doormanOrder : doormanNews);

function listFixtures(sub: string): string[] {
  return readdirSync(join(folder, sub)).filter((name) => name.endsWith(".json"));
}

test.each(listFixtures("."))("%s is understood, and nothing of it is lost", (file) => {
  const document: unknown = JSON.parse(readFileSync(join(folder, file), "utf8"));
  expect(schemaOf(file).parse(document)).toEqual(document);
});

test.each(listFixtures("invalid"))("invalid/%s is refused", (file) => {
  const document: unknown = JSON.parse(readFileSync(join(folder, "invalid", file), "utf8"));
  expect(() => schemaOf(file).parse(document)).toThrow();
});
