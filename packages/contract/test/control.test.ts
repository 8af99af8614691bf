import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { z } from "zod";
import {
  controlLine,
  controlRequest,
  enterMessage,
  enterSpec,
  execSpec,
  shimHello,
  shimSpec,
  standbySpec,
} from "../src/index.js";

/** The same files that `crates/control` is checked against: two languages, one protocol. */
const folder = fileURLToPath(new URL("../../../fixtures/control", import.meta.url));
const schemas: Readonly<Record<string, z.ZodType>> = {
  "spec.exec": execSpec,
  "spec.standby": standbySpec,
  spec: shimSpec,
  request: controlRequest,
  reply: controlLine,
  event: controlLine,
  hello: shimHello,
  "enter-message": enterMessage,
  enter: enterSpec,
};

function schemaOf(file: string): z.ZodType | undefined {
  return Object.entries(schemas).find(([prefix]) => file.startsWith(prefix))?.[1];
}

function listFixtures(sub: string): string[] {
  return readdirSync(join(folder, sub)).filter((name) => name.endsWith(".json"));
}

test.each(listFixtures("."))("%s is understood, and nothing of it is lost", (file) => {
  const document: unknown = JSON.parse(readFileSync(join(folder, file), "utf8"));
  const schema = schemaOf(file);
  expect(schema, "a schema for this kind of message").toBeDefined();
  expect(schema?.parse(document)).toEqual(document);
});

test.each(listFixtures("invalid"))("invalid/%s is refused", (file) => {
  const text = readFileSync(join(folder, "invalid", file), "utf8");
  const parse = (): unknown => schemaOf(file)?.parse(JSON.parse(text));
  expect(parse).toThrow();
});
