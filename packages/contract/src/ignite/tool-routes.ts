import { z } from "zod";
import { appParams, orgParams } from "../api/common.js";
import { defineRoutes } from "../api/route.js";
import { functionId } from "./app.js";
import { appPath, tag } from "./route-parts.js";

/** A function that is offered as a tool; schemas are text, as everywhere here. */
export const mcpToolDefinition = z.object({
  name: z.string(),
  description: z.string(),
  inputSchema: z.string(),
  /** Empty without one. */
  outputSchema: z.string(),
  appId: functionId,
  version: z.number().int(),
  runtime: z.string(),
});
export type McpToolDefinition = z.infer<typeof mcpToolDefinition>;

/** Functions as tools; the tools themselves are used at `/v1/mcp/:org`, by their own protocol. */
export const igniteToolRoutes = defineRoutes({
  igniteGetMcpTool: {
    method: "GET",
    path: `${appPath}/mcp`,
    access: "viewer",
    scope: "app",
    tag,
    summary: "The tool that a function is offered as",
    params: appParams,
    response: mcpToolDefinition,
  },
  igniteListMcpTools: {
    method: "GET",
    path: "/v1/ignite/app/:org/mcp/tools",
    access: "viewer",
    // A token for one app sees that one.
    scope: "platform",
    tag,
    summary: "The functions of an organization that are offered as tools",
    params: orgParams,
    response: z.object({ tools: z.array(mcpToolDefinition) }),
  },
});
