import type { Readable } from "node:stream";
import { Agent, request } from "undici";
import {
  apiRoutes,
  BloomError,
  parseErrorDocument,
  type ApiRoute,
  type ApiRoutes,
  type RouteAnswer,
  type RouteInput,
  type RouteName,
} from "@bloomery/contract";

export interface Client {
  call<R extends RouteName>(
    name: R,
    input: RouteInput<ApiRoutes[R]>,
    options?: CallOptions,
  ): Promise<RouteAnswer<ApiRoutes[R]>>;
  /** The lines of a stream, one after the other. */
  stream<R extends RouteName>(
    name: R,
    input: RouteInput<ApiRoutes[R]>,
    options?: CallOptions,
  ): AsyncGenerator<RouteAnswer<ApiRoutes[R]>>;
  close(): Promise<void>;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** The body of a route that takes a raw stream. */
  readonly raw?: Readable;
}

interface LooseInput {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
}

/** Speaks to one daemon, at `http://…` or `unix:/path`. */
export function createClient(options: { readonly api: string; readonly token: string | undefined }): Client {
  const socketPath = options.api.startsWith("unix:") ? options.api.slice(5) : undefined;
  const origin = socketPath === undefined ? options.api.replace(/\/$/, "") : "http://localhost";
  const agent = new Agent({
    // Builds and followed logs are silent for long.
    bodyTimeout: 0,
    headersTimeout: 0,
    connect: { timeout: 5000, ...(socketPath === undefined ? {} : { socketPath }) },
  });

  const send = async (
    name: RouteName,
    input: LooseInput,
    { signal, raw }: CallOptions,
  ): ReturnType<typeof request> => {
    const route: ApiRoute = apiRoutes[name];
    const path = route.path.replace(/:(\w+)/g, (_all, key: string) =>
      encodeURIComponent(input.params?.[key] ?? ""),
    );
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(input.query ?? {}))
      if (value !== undefined) query.set(key, String(value));
    const search = query.size === 0 ? "" : `?${query.toString()}`;
    const body = raw ?? (input.body === undefined ? undefined : JSON.stringify(input.body));
    try {
      const answer = await request(`${origin}${path}${search}`, {
        dispatcher: agent,
        method: route.method,
        headers: {
          ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
          ...(body === undefined ? {} : { "content-type": route.rawBody ?? "application/json" }),
        },
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      });
      if (answer.statusCode < 400) return answer;
      throw parseAnswerError(await answer.body.text(), answer.statusCode);
    } catch (error) {
      throw asClientError(error, options.api);
    }
  };

  return {
    async call(name, input, callOptions = {}) {
      const answer = await send(name, input as LooseInput, callOptions);
      const route: ApiRoute = apiRoutes[name];
      return route.response.parse(await answer.body.json()) as RouteAnswer<ApiRoutes[typeof name]>;
    },

    async *stream(name, input, callOptions = {}) {
      const answer = await send(name, input as LooseInput, callOptions);
      const route: ApiRoute = apiRoutes[name];
      let rest = "";
      answer.body.setEncoding("utf8");
      try {
        for await (const chunk of answer.body as AsyncIterable<string>) {
          const lines = (rest + chunk).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) {
            const value: unknown = JSON.parse(line);
            if (isErrorLine(value)) throw parseErrorDocument(value.error);
            yield route.response.parse(value) as RouteAnswer<ApiRoutes[typeof name]>;
          }
        }
      } catch (error) {
        throw asClientError(error, options.api);
      } finally {
        answer.body.destroy();
      }
    },

    close: () => agent.destroy(),
  };
}

function isErrorLine(value: unknown): value is { error: unknown } {
  return typeof value === "object" && value !== null && Object.keys(value).join() === "error";
}

function parseAnswerError(text: string, status: number): BloomError {
  try {
    return parseErrorDocument((JSON.parse(text) as { error?: unknown }).error);
  } catch {
    return new BloomError("ERR_INTERNAL", `the daemon answered with status ${status} and no explanation`);
  }
}

/** A connection that cannot be made or breaks means that there is no daemon (any more). */
function asClientError(error: unknown, api: string): unknown {
  if (error instanceof BloomError) return error;
  const code =
    (error as { code?: string }).code ?? (error as { cause?: { code?: string } }).cause?.code ?? "";
  const gone = [
    "ECONNREFUSED",
    "ENOENT",
    "ECONNRESET",
    "EACCES",
    "ENOTFOUND",
    "UND_ERR_SOCKET",
    "UND_ERR_CONNECT_TIMEOUT",
    "EPIPE",
  ];
  if (!gone.includes(code)) return error;
  return new BloomError("ERR_DAEMON_UNREACHABLE", `no daemon answers at ${api}`, { cause: error });
}
