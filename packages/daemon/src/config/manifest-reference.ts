import {
  bloomTomlSchema,
  elementOf,
  keyMetaOf,
  keysOf,
  platformAppSchema,
  unwrapSchema,
  type KeyMeta,
} from "@bloomery/contract";
import { z } from "zod";

type Effect = NonNullable<KeyMeta["effect"]>;

/** docs/manifest.md: every key of both files, from the schemas that check them. */
export function renderManifestReference(): string {
  return [
    "# The project's files",
    "",
    "Generated from the schemas; do not edit by hand.",
    "",
    "Both files are optional. With both, `.platform.app.yaml` is the base and `bloom.toml` replaces it key by key.",
    "`bloom validate` checks them without deploying.",
    "",
    "## .platform.app.yaml",
    "",
    "Unknown keys are warned about and have no effect. Keys that begin with a dot are left out.",
    "",
    ...renderTable(platformAppSchema),
    "",
    "## bloom.toml",
    "",
    "Unknown keys are errors. `docs/bloom.schema.json` is the JSON Schema for editors.",
    "",
    ...renderTable(bloomTomlSchema),
    "",
  ].join("\n");
}

/** The JSON Schema of bloom.toml, for editors. */
export function bloomTomlJsonSchema(): object {
  const schema = z.toJSONSchema(bloomTomlSchema, {
    io: "input",
    override: ({ jsonSchema }) => {
      if (jsonSchema.type === "object" && jsonSchema.properties !== undefined)
        jsonSchema.additionalProperties = false;
    },
  });
  return { ...schema, title: "bloom.toml" };
}

function renderTable(schema: z.ZodType): string[] {
  return [
    "| Key | Takes | Default | Meaning |",
    "| --- | --- | --- | --- |",
    ...renderRows(schema, "", "now"),
  ];
}

/** `around` is the effect of the key these stand below: nothing works inside of what works later. */
function renderRows(schema: z.ZodType, prefix: string, around: Effect): string[] {
  return Object.entries(keysOf(schema) ?? {}).flatMap(([name, child]) => {
    const meta = keyMetaOf(child);
    if (meta === undefined) return [];
    const path = prefix === "" ? name : `${prefix}.${name}`;
    const effect = around === "later" && meta.effect !== "ignored" ? "later" : (meta.effect ?? "now");
    return [renderRow(path, meta, effect), ...renderBelow(child, path, effect)];
  });
}

/** Maps and lists are shown with a placeholder for what the user names or counts. */
function renderBelow(schema: z.ZodType, path: string, effect: Effect): string[] {
  const element = elementOf(schema);
  if (element === null || keysOf(element) === null) return renderRows(schema, path, effect);
  const isList = unwrapSchema(schema) instanceof z.ZodArray;
  const below = isList ? `${path}[]` : `${path}.<${keyMetaOf(schema)?.entry ?? "name"}>`;
  return renderRows(element, below, effect);
}

function renderRow(path: string, meta: KeyMeta, effect: Effect): string {
  const meaning = `${meta.about}${renderNote(meta, effect)}`;
  return `| \`${path}\` | ${cell(meta.expected)} | ${cell(meta.default ?? "")} | ${cell(meaning)} |`;
}

function renderNote(meta: KeyMeta, effect: Effect): string {
  switch (effect) {
    case "later":
      return " *Accepted; takes effect in a later release.*";
    case "ignored":
      return " *Accepted without effect.*";
    case "old":
      return ` *An old form; write \`${meta.instead ?? ""}\`.*`;
    case "now":
      return meta.notYet === undefined
        ? ""
        : " *Some values take effect in a later release; a warning says so.*";
  }
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
