import type { FastifyInstance } from "fastify";
import { BloomError, orgName } from "@bloomery/contract";
import type { Caller } from "../caller.js";
import { answerMcp, type McpParts } from "./answer-mcp.js";

/** The tools of an organization. Its protocol is not ours, so it is none of the contract's routes. */
export function mountMcp(
  app: FastifyInstance,
  parts: McpParts & { readonly findCaller: (authorization: string | undefined) => Promise<Caller> },
): void {
  const callers = new WeakMap<object, Caller>();
  app.route<{ Params: { org: string } }>({
    method: ["GET", "POST", "DELETE"],
    url: "/v1/mcp/:org",
    // Before the body is read: a stranger cannot make the daemon parse anything.
    onRequest: async (request, reply) => {
      const caller = await parts.findCaller(request.headers.authorization);
      const { org } = request.params;
      if (!orgName.safeParse(org).success)
        throw new BloomError("ERR_INVALID_NAME", `\`${org}\` is not the name of an organization`);
      if (caller.orgName !== null && caller.orgName !== org)
        throw new BloomError("ERR_FORBIDDEN", `the token is limited to the organization ${caller.orgName}`);
      callers.set(request, caller);
      if (request.method !== "POST") await reply.code(405).header("allow", "POST").send(noSessions);
    },
    handler: async (request, reply) => {
      reply.hijack();
      const reach = { org: request.params.org, app: callers.get(request)?.appName ?? null };
      try {
        await answerMcp(parts, reach, request.raw, reply.raw, request.body);
      } catch (err) {
        request.log.error({ err }, "a tool's request failed");
        if (!reply.raw.headersSent) reply.raw.writeHead(500);
        reply.raw.end();
      }
      return reply;
    },
  });
}

const noSessions = {
  jsonrpc: "2.0",
  error: { code: -32_000, message: "there are no sessions here: every request is a POST of its own" },
  id: null,
};
