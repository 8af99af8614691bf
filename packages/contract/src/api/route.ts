import type { z } from "zod";
import type { Role } from "../states.js";

/** Who may call a route. `public` is for the few that need no token. */
export type RouteAccess = Role | "public";

/**
 * What a token limited to one app or organization is checked against. `record`: the owner of the one record that the
 * path names, which its handler finds; to anybody else there is no such record.
 */
export type RouteScope = "platform" | "org" | "app" | "record";

/**
 * One route of the API as data. The server registers it, the CLI calls it, the OpenAPI document and the
 * access tests are made from it; nothing about a route is written twice.
 */
export interface ApiRoute {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Fastify's form: `/v1/orgs/:org/apps/:app`. */
  readonly path: string;
  readonly access: RouteAccess;
  readonly scope: RouteScope;
  readonly summary: string;
  readonly tag: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** The body is a raw byte stream of this media type instead of JSON. */
  readonly rawBody?: string;
  /** Bytes of the largest body, where it is not the API's own limit. */
  readonly bodyBytes?: number;
  /** One JSON document, or with `stream` one line of an NDJSON answer. */
  readonly response: z.ZodType;
  readonly stream?: true;
  /** The answer is a raw byte stream of this media type; `response` is not looked at. */
  readonly rawResponse?: string;
}

/** Keeps the literal types of a route table. */
export function defineRoutes<T extends Readonly<Record<string, ApiRoute>>>(routes: T): T {
  return routes;
}

type InputOf<T> = T extends z.ZodType ? z.input<T> : never;
type OutputOf<T> = T extends z.ZodType ? z.output<T> : never;
type PartOf<R, K extends string> = R extends Readonly<Record<K, infer P>> ? P : undefined;

/** What a caller passes: only the parts that the route has. */
export type RouteInput<R extends ApiRoute> = (PartOf<R, "params"> extends z.ZodType
  ? { params: InputOf<PartOf<R, "params">> }
  : { params?: undefined }) &
  (PartOf<R, "query"> extends z.ZodType ? { query?: InputOf<PartOf<R, "query">> } : { query?: undefined }) &
  (PartOf<R, "body"> extends z.ZodType ? { body: InputOf<PartOf<R, "body">> } : { body?: undefined });

/** What a handler receives after the schemas have checked it. */
export interface RouteCall<R extends ApiRoute> {
  readonly params: OutputOf<PartOf<R, "params">>;
  readonly query: OutputOf<PartOf<R, "query">>;
  readonly body: OutputOf<PartOf<R, "body">>;
}

/** What a handler answers with, or one line of it when the route streams; numbers and bytes become text on the way. */
export type RouteAnswer<R extends ApiRoute> = z.input<R["response"]>;

/** What the caller reads of it. */
export type RouteResult<R extends ApiRoute> = z.output<R["response"]>;
