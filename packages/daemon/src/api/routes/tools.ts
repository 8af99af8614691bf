import { BloomError, formatAppRef, type FunctionConfig, type ignite } from "@bloomery/contract";
import { findTool, listTools, nameTool, type Tool } from "../../deploy/function/mcp/tools.js";
import type { Handlers } from "../handlers.js";
import type { ApiContext } from "./context.js";

export function createToolHandlers({
  store,
}: Pick<ApiContext, "store">): Pick<Handlers, "igniteGetMcpTool" | "igniteListMcpTools"> {
  return {
    async igniteGetMcpTool({ params: { org, app } }) {
      const tool = await findTool(store, { org, app }, nameTool(org, app));
      if (tool !== undefined) return viewTool(tool);
      throw new BloomError("ERR_NOT_FOUND", `${formatAppRef({ org, app })} is not offered as a tool`, {
        hint: "Publish it with `mcp = true` in [function], or with `--mcp-enabled`.",
      });
    },
    async igniteListMcpTools({ params: { org } }, { caller }) {
      const tools = await listTools(store, { org, app: caller.appName });
      return { tools: tools.map(viewTool) };
    },
  };
}

function viewTool({
  name,
  description,
  input,
  output,
  place,
  version,
  config,
}: Tool): ignite.McpToolDefinition {
  return {
    name,
    description,
    inputSchema: JSON.stringify(input.schema),
    outputSchema: output === null ? "" : JSON.stringify(output.schema),
    appId: `${place.org.name}/${place.app.name}`,
    version,
    runtime: runtimeOf(config),
  };
}

function runtimeOf({ target }: FunctionConfig): string {
  return `rust-${target}`;
}
