import type { JsonValue, Problem } from "@bloomery/contract";
import { normalizePath } from "./app-folder.js";
import { manifestProblem } from "./manifest-file.js";
import type { ProjectParts } from "./parts.js";
import { loadText } from "./read-text.js";
import { toJson } from "./to-json.js";

interface Resolved {
  readonly schema: JsonValue | null;
  readonly problems: readonly Problem[];
}

/** Characters of the text, as for a schema that is given otherwise. */
const longest = 262_144;

/** A JSON Schema of `[function]`: written there, or in a file of the project. */
export function resolveSchema(parts: ProjectParts, name: "input_schema" | "output_schema"): Resolved {
  const written = parts.toml.data.function?.[name];
  if (written === undefined) return { schema: null, problems: [] };
  const refuse = (message: string): Resolved => ({
    schema: null,
    problems: [manifestProblem(parts.toml, "error", ["function", name], message)],
  });
  if (typeof written !== "string") return check(toJson(written));
  const path = written.startsWith("/") ? null : normalizePath(written);
  if (path === null) return refuse("the file must be in the app's folder; write its path from there");
  const read = loadText(parts.folder, path);
  if (read === undefined)
    return refuse(`there is no file ${path} in the app's folder; write the path of one`);
  if ("problem" in read) return { schema: null, problems: [read.problem] };
  try {
    return check(JSON.parse(read.text) as JsonValue);
  } catch {
    return refuse(`${path} is not JSON; correct it`);
  }

  function check(schema: JsonValue): Resolved {
    const isSchema = typeof schema === "boolean" || (typeof schema === "object" && schema !== null);
    if (!isSchema || Array.isArray(schema))
      return refuse('a JSON Schema is an object such as {"type": "object"}');
    if (JSON.stringify(schema).length > longest)
      return refuse(`a JSON Schema has at most ${longest} characters`);
    return { schema, problems: [] };
  }
}
