import { Readable } from "node:stream";
import fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";
import { hasZodFastifySchemaValidationErrors, validatorCompiler } from "fastify-type-provider-zod";
import {
  apiRoutes,
  BloomError,
  errorAnswer,
  formatAppRef,
  nameAppIn,
  toBloomError,
  type ApiRoute,
  type AppRef,
  type ErrorDocument,
  type RouteName,
} from "@bloomery/contract";
import { assertAllowed, parseBearer, type Caller } from "./caller.js";
import type { CallContext, Handlers } from "./handlers.js";
import type { McpParts } from "./mcp/answer-mcp.js";
import { mountMcp } from "./mcp/mount-mcp.js";
import { sendBytes, sendLines } from "./send-stream.js";
import { writeAnswer } from "./write-answer.js";

export interface ApiOptions {
  readonly handlers: Handlers;
  /** Finds the caller of a secret; undefined when unknown or expired. */
  readonly authenticate: (secret: string) => Promise<Caller | undefined>;
  readonly log: FastifyBaseLogger;
  /** Host names the API answers to; guards a browser's localhost against DNS rebinding. */
  readonly allowedHosts: readonly string[];
  /** Absent: functions are not offered as tools. */
  readonly tools?: McpParts;
}

const nobody: Caller = Object.freeze({
  name: "nobody",
  role: "viewer",
  orgId: null,
  orgName: null,
  appId: null,
  appName: null,
});

/** The HTTP server, not yet listening. Every route of the contract is registered, with its role checked first. */
export function createApiServer(options: ApiOptions): FastifyInstance {
  const app = fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 64 * 1_048_576, // a source tree of 100,000 names
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
  });
  app.setValidatorCompiler(validatorCompiler);
  // Not the type provider's own: it goes through schemas backwards, which those that make text cannot do.
  app.setSerializerCompiler(
    ({ schema }) =>
      (data) =>
        writeAnswer(schema as unknown as ApiRoute["response"], data),
  );
  const parseJson = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser<string>("application/json", { parseAs: "string" }, (request, text, done) => {
    // Many clients announce JSON with every request, also where there is nothing to say.
    if (text === "") done(null, undefined);
    else void parseJson(request, text, done);
  });
  // Streams: whoever handles them decides how much is read.
  const raw = ["application/x-tar", "application/x-ndjson"];
  app.addContentTypeParser(raw, (_request, payload, done) => done(null, payload));
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const error = new BloomError(
      "ERR_NOT_FOUND",
      `there is no route ${request.method} ${request.url.split("?")[0]}`,
      { hint: "GET /v1/openapi.json describes every route." },
    );
    return answerError(error, request, reply);
  });
  app.addHook("onRequest", async (request) => {
    const host = (request.headers.host ?? "").replace(/:\d+$/, "");
    const local = request.socket.remoteAddress === undefined; // the unix socket
    if (!local && !options.allowedHosts.includes(host)) {
      throw new BloomError("ERR_FORBIDDEN", `the API does not answer to the host name ${host}`);
    }
  });
  for (const name of Object.keys(apiRoutes) as RouteName[]) register(app, name, options);
  if (options.tools !== undefined) {
    const findCallerOf = (authorization: string | undefined): Promise<Caller> =>
      findCaller(authorization, options);
    mountMcp(app, { ...options.tools, findCaller: findCallerOf });
  }
  return app;
}

function register(app: FastifyInstance, name: RouteName, options: ApiOptions): void {
  const route: ApiRoute = apiRoutes[name];
  const handler = options.handlers[name] as unknown as (call: unknown, context: CallContext) => unknown;
  app.route({
    method: route.method,
    url: route.path,
    schema: {
      ...(route.params === undefined ? {} : { params: route.params }),
      ...(route.query === undefined ? {} : { querystring: route.query }),
      ...(route.body === undefined ? {} : { body: route.body }),
      ...(isStreaming(route) ? {} : { response: { 200: route.response } }),
    },
    ...(route.bodyBytes === undefined ? {} : { bodyLimit: route.bodyBytes }),
    // Before the body is read: a stranger cannot make the daemon parse anything.
    onRequest: async (request) => {
      const caller =
        route.access === "public" ? nobody : await findCaller(request.headers.authorization, options);
      assertAllowed(caller, route, request.params as { org?: string; app?: string });
      callers.set(request, caller);
    },
    handler: async (request, reply) => {
      const abort = new AbortController();
      reply.raw.once("close", () => abort.abort());
      const context: CallContext = {
        caller: callers.get(request) ?? nobody,
        signal: abort.signal,
        raw: request.body instanceof Readable ? request.body : request.raw,
      };
      const call = { params: request.params, query: request.query, body: request.body };
      if (!isStreaming(route)) return await handler(call, context);
      if (route.rawResponse !== undefined) {
        return sendBytes(reply, route.rawResponse, handler(call, context) as AsyncIterable<Uint8Array>);
      }
      return sendLines(reply, handler(call, context) as AsyncIterable<unknown>, (line) =>
        writeAnswer(route.response, line),
      );
    },
  });
}

function isStreaming(route: ApiRoute): boolean {
  return route.stream === true || route.rawResponse !== undefined;
}

const callers = new WeakMap<FastifyRequest, Caller>();

async function findCaller(authorization: string | undefined, options: ApiOptions): Promise<Caller> {
  const secret = parseBearer(authorization);
  if (secret === undefined) throw new BloomError("ERR_UNAUTHENTICATED", "the request carries no token");
  const caller = await options.authenticate(secret);
  if (caller === undefined)
    throw new BloomError("ERR_UNAUTHENTICATED", "the token is unknown or has expired");
  return caller;
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = asBloomError(error);
  if (known.code === "ERR_INTERNAL") request.log.error({ err: error, url: request.url }, "request failed");
  const { retryAfterSeconds } = known.details ?? {};
  if (typeof retryAfterSeconds === "number") reply.header("retry-after", String(retryAfterSeconds));
  return reply
    .code(known.status)
    .type("application/json")
    .send(JSON.stringify(errorAnswer.parse({ error: describe(known, request) })));
}

/** Of the app that the request is about, if there is one. */
function describe(error: BloomError, { params }: FastifyRequest): ErrorDocument {
  const { org, app } = (params ?? {}) as Partial<AppRef>;
  const document = error.toDocument();
  return org === undefined || app === undefined ? document : nameAppIn(document, formatAppRef({ org, app }));
}

/** Fastify's own refusals (bad JSON, too large, wrong type) are the caller's mistakes, not ours. */
function asBloomError(error: unknown): BloomError {
  if (error instanceof BloomError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const places = error.validation.map(
      (issue) => `${issue.instancePath || "/"} ${issue.message ?? "is not valid"}`,
    );
    return new BloomError("ERR_INVALID_ARGUMENT", `the request is not valid: ${places.join("; ")}`, {
      details: { places },
    });
  }
  const status = (error as { statusCode?: number }).statusCode;
  const message = error instanceof Error ? error.message : String(error);
  if (status === 413)
    return new BloomError("ERR_BODY_TOO_LARGE", "the request is larger than the API takes", {
      hint: "Send less; large payloads can go to a function's own address.",
    });
  if (status !== undefined && status >= 400 && status < 500)
    return new BloomError("ERR_INVALID_ARGUMENT", message);
  return toBloomError(error);
}
