import type { FunctionConfig, JsonValue } from "@bloomery/contract";
import type { Store } from "../../../store/open-store.js";
import { findOrg, findPlace, type Place } from "../../places.js";

/** A function that is offered as a tool. */
export interface Tool {
  /** `ignite_{org}_{app}`: names have no underscores, so it is clear what is meant. Hyphens stay. */
  readonly name: string;
  readonly description: string;
  readonly input: ToolSchema;
  /** Null: answers are text or JSON, as they come. */
  readonly output: ToolSchema | null;
  readonly place: Place;
  readonly version: number;
  readonly config: FunctionConfig;
}

/** Tools take and give objects. Where a function does not, a field of an object stands for what it takes or gives. */
export interface ToolSchema {
  readonly schema: { readonly type: "object"; readonly [key: string]: JsonValue };
  readonly field: string | null;
}

/** Whose tools are meant, and which of them the caller may see. */
export interface ToolReach {
  readonly org: string;
  /** Null: all of the organization's. */
  readonly app: string | null;
}

export function nameTool(org: string, app: string): string {
  return `ignite_${org}_${app}`;
}

/** The tools as they are published now. Throws ERR_NOT_FOUND when there is no such organization. */
export async function listTools(store: Store, { org, app }: ToolReach): Promise<readonly Tool[]> {
  await findOrg(store, org);
  const environments = await store.environments.list();
  const names = environments
    .filter((one) => one.orgName === org && one.name === "main" && one.liveVersionId !== null)
    .map((one) => one.appName)
    .filter((name) => app === null || name === app);
  const tools = await Promise.all(names.map((name) => loadTool(store, { org, app: name })));
  return tools.filter((tool) => tool !== undefined);
}

/** The tool of this name; undefined when nothing of this name is offered to the caller. */
export async function findTool(store: Store, reach: ToolReach, name: string): Promise<Tool | undefined> {
  const prefix = nameTool(reach.org, "");
  if (!name.startsWith(prefix)) return undefined;
  const app = name.slice(prefix.length);
  if (reach.app !== null && reach.app !== app) return undefined;
  const tools = await listTools(store, { ...reach, app });
  return tools[0];
}

async function loadTool(store: Store, names: { org: string; app: string }): Promise<Tool | undefined> {
  const place = await findPlace(store, { ...names, environment: "main" });
  const { liveVersionId } = place.environment;
  const version = liveVersionId === null ? undefined : await store.versions.get(liveVersionId);
  const config = version?.config.function;
  if (version === undefined || config === null || config === undefined || !config.mcp) return undefined;
  const { description, inputSchema, outputSchema } = config;
  return {
    name: nameTool(names.org, names.app),
    description,
    input:
      inputSchema === null ? { schema: { type: "object" }, field: null } : asObject(inputSchema, "input"),
    output: outputSchema === null ? null : asObject(outputSchema, "result"),
    place,
    version: version.number,
    config,
  };
}

function asObject(schema: JsonValue, field: string): ToolSchema {
  if (typeof schema === "object" && schema !== null && !Array.isArray(schema)) {
    const own = schema as { readonly [key: string]: JsonValue };
    if (own["type"] === "object") return { schema: { ...own, type: "object" }, field: null };
  }
  return { schema: { type: "object", properties: { [field]: schema }, required: [field] }, field };
}
