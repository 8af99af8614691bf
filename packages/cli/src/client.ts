import { Readable } from "node:stream";
import type { Agent, Dispatcher } from "undici";
import {
  apiRoutes,
  BloomError,
  parseErrorDocument,
  type ApiRoute,
  type ApiRoutes,
  type RouteInput,
  type RouteName,
  type RouteResult,
} from "@bloomery/contract";

export interface Client {
  call<R extends RouteName>(
    name: R,
    input: RouteInput<ApiRoutes[R]>,
    options?: CallOptions,
  ): Promise<RouteResult<ApiRoutes[R]>>;
  /** The lines of a stream, one after the other. */
  stream<R extends RouteName>(
    name: R,
    input: RouteInput<ApiRoutes[R]>,
    options?: CallOptions,
  ): AsyncGenerator<RouteResult<ApiRoutes[R]>>;
  /** The bytes of a route that answers with something other than JSON. */
  read<R extends RouteName>(
    name: R,
    input: RouteInput<ApiRoutes[R]>,
    options?: CallOptions,
  ): Promise<Readable>;
  close(): Promise<void>;
}

export interface ClientOptions {
  /** `http://…`, `https://…` or `unix:/path`. */
  readonly api: string;
  readonly token: string | undefined;
  /** Ends every call that names no signal of its own. */
  readonly signal?: AbortSignal;
  /** How long an answer may take to begin; without it, or with 0, as long as it takes. */
  readonly timeoutMs?: number;
}

export interface CallOptions {
  /** Null: the call is not to be broken off. */
  readonly signal?: AbortSignal | null;
  /** The body of a route that takes a raw stream. */
  readonly raw?: Readable;
  /** Called when the answer's head is there and its lines are about to come. */
  readonly onOpen?: () => void;
}

interface LooseInput {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
}

/** Speaks to one daemon. */
export function createClient(options: ClientOptions): Client {
  const socketPath = options.api.startsWith("unix:") ? options.api.slice(5) : undefined;
  const origin = socketPath === undefined ? options.api.replace(/\/$/, "") : "http://localhost";
  let agent: Agent | undefined;

  const send = async (
    name: RouteName,
    input: LooseInput,
    { signal = options.signal ?? null, raw, onOpen }: CallOptions,
  ): Promise<Dispatcher.ResponseData> => {
    const undici = await import("undici");
    agent ??= new undici.Agent({
      // Builds and followed logs are silent for long.
      bodyTimeout: 0,
      headersTimeout: 0,
      connect: { timeout: 5000, ...(socketPath === undefined ? {} : { socketPath }) },
    });
    const route: ApiRoute = apiRoutes[name];
    // Its errors are the call's to tell; without a listener they would end the process.
    raw?.on("error", () => undefined);
    const body = raw ?? (input.body === undefined ? undefined : JSON.stringify(input.body));
    const deadline = startDeadline(options, name);
    const signals = [signal, deadline?.signal].filter((one) => one instanceof AbortSignal);
    try {
      const answer = await undici.request(`${origin}${planTarget(route, input)}`, {
        dispatcher: agent,
        method: route.method,
        headers: {
          ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
          ...(body === undefined ? {} : { "content-type": route.rawBody ?? "application/json" }),
        },
        ...(body === undefined ? {} : { body }),
        ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
      });
      if (answer.statusCode >= 400) {
        throw parseAnswerError(await answer.body.text(), answer.statusCode, options.api);
      }
      onOpen?.();
      return answer;
    } catch (error) {
      throw asClientError(error, options.api);
    } finally {
      deadline?.end();
    }
  };

  return {
    async call(name, input, callOptions = {}) {
      const answer = await send(name, input as LooseInput, callOptions);
      const text = await answer.body.text().catch((error: unknown) => {
        throw asClientError(error, options.api);
      });
      return parseAnswer(name, text, options.api) as RouteResult<ApiRoutes[typeof name]>;
    },

    async *stream(name, input, callOptions = {}) {
      const answer = await send(name, input as LooseInput, callOptions);
      let rest = "";
      answer.body.setEncoding("utf8");
      try {
        for await (const chunk of answer.body as AsyncIterable<string>) {
          const lines = (rest + chunk).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) {
            yield parseAnswer(name, line, options.api) as RouteResult<ApiRoutes[typeof name]>;
          }
        }
      } catch (error) {
        throw asClientError(error, options.api);
      } finally {
        answer.body.destroy();
      }
    },

    async read(name, input, callOptions = {}) {
      const { body } = await send(name, input as LooseInput, callOptions);
      return Readable.from(explainBreaks(body, options.api), { objectMode: false });
    },

    close: async () => agent?.destroy(),
  };
}

/** Breaks a call off whose answer does not begin in time. */
function startDeadline(
  { timeoutMs = 0, api }: ClientOptions,
  name: RouteName,
): { readonly signal: AbortSignal; end(): void } | undefined {
  if (timeoutMs === 0) return undefined;
  const abort = new AbortController();
  const late = new BloomError(
    "ERR_DEADLINE",
    `${api} has not answered ${name} within ${timeoutMs / 1000} s; what it was asked for may still be done`,
    { hint: "Allow more time with --timeout." },
  );
  const timer = setTimeout(() => abort.abort(late), timeoutMs);
  return { signal: abort.signal, end: () => clearTimeout(timer) };
}

/** The same bytes; a connection that breaks is said in our words. */
async function* explainBreaks(body: Readable, api: string): AsyncGenerator<Buffer> {
  try {
    yield* body as AsyncIterable<Buffer>;
  } catch (error) {
    throw asClientError(error, api);
  }
}

/** Path and query of one call. */
function planTarget(route: ApiRoute, input: LooseInput): string {
  const path = route.path.replace(/:(\w+)/g, (_all, key: string) =>
    encodeURIComponent(input.params?.[key] ?? ""),
  );
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(input.query ?? {})) {
    if (value !== undefined) query.set(key, String(value));
  }
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

/** A document or a line as the contract describes it. Throws the error that a stream's last line may be. */
function parseAnswer(name: RouteName, text: string, api: string): unknown {
  const route: ApiRoute = apiRoutes[name];
  const value = parseJson(text);
  if (value === undefined) throw notADaemon(api, "its answer is not JSON");
  if (route.stream === true && isErrorLine(value)) throw parseErrorDocument(value.error);
  const parsed = route.response.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BloomError(
    "ERR_INTERNAL",
    `the daemon's answer to ${name} is not of the form known here (${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""})`,
    { hint: "`bloom server status` and `bloom --version` tell whether they are of the same release." },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isErrorLine(value: unknown): value is { error: unknown } {
  return typeof value === "object" && value !== null && Object.keys(value).join() === "error";
}

function parseAnswerError(text: string, status: number, api: string): BloomError {
  const document = parseJson(text);
  if (isErrorLine(document)) return parseErrorDocument(document.error);
  return notADaemon(api, `it answered with status ${status} and no explanation`);
}

function notADaemon(api: string, reason: string): BloomError {
  return new BloomError(
    "ERR_DAEMON_UNREACHABLE",
    `what is at ${api} does not seem to be a Bloomery daemon: ${reason}`,
  );
}

const goneCodes: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOENT",
  "EACCES",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
  "UND_ERR_SOCKET",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** A connection that cannot be made or breaks means that there is no daemon (any more). */
function asClientError(error: unknown, api: string): unknown {
  if (error instanceof BloomError) return error;
  const { code, cause } = error as { code?: string; cause?: { code?: string } };
  if (!goneCodes.has(code ?? cause?.code ?? "")) return error;
  return new BloomError("ERR_DAEMON_UNREACHABLE", `no daemon answers at ${api}`, { cause: error });
}
