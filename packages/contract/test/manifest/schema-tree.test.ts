import { describe, expect, it } from "vitest";
import type { z } from "zod";
import {
  bloomTomlSchema,
  elementOf,
  formatManifestPath,
  keyMetaOf,
  keysOf,
  platformAppSchema,
  schemaAt,
} from "../../src/index.js";

describe("schemaAt", () => {
  it("goes through maps and lists", () => {
    const passthru = schemaAt(platformAppSchema, ["web", "locations", "/any", "passthru"]);
    expect(passthru === null ? null : keyMetaOf(passthru)?.expected).toMatch(/^true, false or a path/);
    const port = schemaAt(bloomTomlSchema, ["tcp", 3, "port"]);
    expect(port === null ? null : keyMetaOf(port)?.example).toBe(7878);
  });

  it("knows nothing of keys that are not there", () => {
    expect(schemaAt(platformAppSchema, ["web", "constructor"])).toBeNull();
    expect(schemaAt(platformAppSchema, ["web", "nothing", "below"])).toBeNull();
  });
});

describe("every key of both manifests", () => {
  const keys = [...listKeys(platformAppSchema, []), ...listKeys(bloomTomlSchema, [])];

  it.each(keys)("%s has words and a right example", (_, schema) => {
    const meta = keyMetaOf(schema);
    expect(meta?.about).toMatch(/^[A-Z].*\.$/);
    expect(meta?.expected).not.toBe("");
    expect(schema.safeParse(meta?.example).success).toBe(true);
  });
});

describe("formatManifestPath", () => {
  it("writes lists with brackets", () => {
    expect(formatManifestPath(["web", "locations", "/", "passthru"])).toBe("web.locations./.passthru");
    expect(formatManifestPath(["tcp", 0, "port"])).toBe("tcp[0].port");
    expect(formatManifestPath([])).toBe("");
  });
});

function listKeys(schema: z.ZodType, path: string[]): [string, z.ZodType][] {
  const element = elementOf(schema);
  if (element !== null)
    return keyMetaOf(element) === undefined
      ? []
      : [[`${path.join(".")}.*`, element], ...listKeys(element, [...path, "*"])];
  return Object.entries(keysOf(schema) ?? {}).flatMap(([name, child]) => [
    [[...path, name].join("."), child] as [string, z.ZodType],
    ...listKeys(child, [...path, name]),
  ]);
}
