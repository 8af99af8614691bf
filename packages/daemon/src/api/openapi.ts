import { z } from "zod";
import { apiRoutes, errorAnswer, type ApiRoute } from "@bloomery/contract";
import { version } from "../version.js";

type Json = Readonly<Record<string, unknown>>;

/** The OpenAPI 3.1 document of the whole API, made from the route table alone. */
export function buildOpenApi(release: string = version): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [name, route] of Object.entries(apiRoutes) as [string, ApiRoute][]) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    (paths[path] ??= {})[route.method.toLowerCase()] = planOperation(name, route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Bloomery API",
      version: release,
      description:
        "Everything the `bloom` command does, over HTTP. Streams are NDJSON: one JSON object a line.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "http://127.0.0.1:4600" }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: { Error: toSchema(errorAnswer, "output") },
    },
  };
}

function planOperation(name: string, route: ApiRoute): Json {
  return {
    operationId: name,
    summary: route.summary,
    tags: [route.tag],
    ...(route.access === "public" ? { security: [] } : {}),
    "x-role": route.access,
    "x-scope": route.scope,
    parameters: [...planParameters(route.params, "path"), ...planParameters(route.query, "query")],
    ...planBody(route),
    responses: {
      200: {
        description: route.stream === true ? "One object a line" : "Done",
        content: planContent(route),
      },
      default: {
        description: "What went wrong, and what to do next",
        content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
      },
    },
  };
}

function planContent(route: ApiRoute): Json {
  const { rawResponse } = route;
  if (rawResponse !== undefined) {
    return { [rawResponse]: { schema: { type: "string", contentMediaType: rawResponse } } };
  }
  const media = route.stream === true ? "application/x-ndjson" : "application/json";
  return { [media]: { schema: toSchema(route.response, "output") } };
}

function planParameters(schema: z.ZodObject | undefined, place: "path" | "query"): Json[] {
  if (schema === undefined) return [];
  return Object.entries(schema.shape).map(([name, part]) => ({
    name,
    in: place,
    required: place === "path" || !z.safeParse(part, undefined).success,
    schema: toSchema(part as z.ZodType, "input"),
  }));
}

function planBody(route: ApiRoute): Json {
  if (route.rawBody !== undefined) {
    return {
      requestBody: {
        required: true,
        content: { [route.rawBody]: { schema: { type: "string", contentMediaType: route.rawBody } } },
      },
    };
  }
  if (route.body === undefined) return {};
  return {
    requestBody: {
      required: true,
      content: { "application/json": { schema: toSchema(route.body, "input") } },
    },
  };
}

function toSchema(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}
