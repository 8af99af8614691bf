import { bloomTomlSchema, keyMetaOf, keysOf, platformAppSchema } from "@bloomery/contract";
import { describe, expect, it } from "vitest";
import { bloomTomlJsonSchema, renderManifestReference } from "../../src/config/index.js";

describe("renderManifestReference", () => {
  const lines = renderManifestReference().split("\n");
  const half = lines.indexOf("## bloom.toml");

  it.each([
    [".platform.app.yaml", platformAppSchema, lines.slice(0, half)],
    ["bloom.toml", bloomTomlSchema, lines.slice(half)],
  ] as const)("has every key of %s", (_, schema, part) => {
    for (const name of Object.keys(keysOf(schema) ?? {})) {
      expect(part.filter((line) => line.startsWith(`| \`${name}\` |`))).toHaveLength(1);
    }
  });

  it("shows the keys of maps and lists", () => {
    const text = lines.join("\n");
    expect(text).toContain("| `web.locations.<path>.passthru` |");
    expect(text).toContain("| `tcp[].port` |");
    expect(text).toContain("| `run.port` | a port from 1 to 65535 | 8888 |");
  });

  it("says what takes effect later", () => {
    const line = lines.find((row) => row.startsWith("| `workers` |"));
    expect(line).toContain("takes effect in a later release");
    expect(lines.find((row) => row.startsWith("| `tcp[].port` |"))).not.toContain("later");
    expect(lines.find((row) => row.startsWith("| `web.document_root` |"))).toContain(
      "write `web.locations./.root`",
    );
    expect(lines.find((row) => row.startsWith("| `name` |"))).not.toContain("later");
  });

  it("keeps each row in four cells", () => {
    for (const line of lines.filter((row) => row.startsWith("|"))) {
      expect(line.replaceAll("\\|", "").split("|")).toHaveLength(6);
    }
  });
});

describe("bloomTomlJsonSchema", () => {
  const schema = bloomTomlJsonSchema() as {
    additionalProperties: unknown;
    properties: Record<string, { description?: string; additionalProperties?: unknown }>;
  };

  it("has the same keys with the same words", () => {
    const keys = Object.entries(keysOf(bloomTomlSchema) ?? {});
    expect(Object.keys(schema.properties)).toEqual(keys.map(([name]) => name));
    for (const [name, key] of keys) expect(schema.properties[name]?.description).toBe(keyMetaOf(key)?.about);
  });

  it("refuses unknown keys, but not the names of variables", () => {
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties["run"]?.additionalProperties).toBe(false);
    expect(schema.properties["env"]?.additionalProperties).toBeTypeOf("object");
  });
});
