import type { IncomingMessage, ServerResponse } from "node:http";
import { callTool } from "../../deploy/function/mcp/call-tool.js";
import { findTool, listTools, type ToolReach } from "../../deploy/function/mcp/tools.js";
import type { Invoker } from "../../deploy/function/ports.js";
import type { Store } from "../../store/open-store.js";

/** Functions as tools, for programs that speak the Model Context Protocol. */
export interface McpParts {
  readonly store: Store;
  readonly invoker: Invoker;
  readonly version: string;
}

/**
 * Answers one POST. Nothing is kept between requests: a list is always what is published now, and a daemon that was
 * started anew knows as much as the one before.
 */
export async function answerMcp(
  parts: McpParts,
  reach: ToolReach,
  request: IncomingMessage,
  response: ServerResponse,
  body: unknown,
): Promise<void> {
  // Loaded when somebody asks for it: it is large, and most daemons never need it.
  const [{ Server }, { StreamableHTTPServerTransport }, { CallToolRequestSchema, ListToolsRequestSchema }] =
    await Promise.all([
      import("@modelcontextprotocol/sdk/server/index.js"),
      import("@modelcontextprotocol/sdk/server/streamableHttp.js"),
      import("@modelcontextprotocol/sdk/types.js"),
    ]);
  const server = new Server({ name: "bloomery", version: parts.version }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, async () => {
    const tools = await listTools(parts.store, reach);
    return {
      tools: tools.map(({ name, description, input, output }) => ({
        name,
        description,
        inputSchema: input.schema,
        ...(output === null ? {} : { outputSchema: output.schema }),
      })),
    };
  });
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal }) => {
    const tool = await findTool(parts.store, reach, params.name);
    if (tool === undefined) {
      const text = JSON.stringify({ error: `there is no tool ${params.name}`, code: "ERR_NOT_FOUND" });
      return { content: [{ type: "text", text }], isError: true };
    }
    return { ...(await callTool(parts.invoker, tool, params.arguments ?? {}, signal)) };
  });
  const transport = new StreamableHTTPServerTransport({});
  // Ends what runs for a caller who has left.
  response.once("close", () => void server.close());
  await server.connect(transport);
  await transport.handleRequest(request, response, body);
}
