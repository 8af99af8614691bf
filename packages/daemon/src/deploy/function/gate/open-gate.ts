import { rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { BloomError, toBloomError, type FunctionConfig } from "@bloomery/contract";
import type { InstanceAddress } from "../../../run/engines/engine.js";
import { listenFor, type Owner } from "../../hold/sockets.js";
import { checkInput, checkOutput, hasInput } from "./check.js";
import { connectFirst, forward, mostHeaderBytes, passHeaders, turnedAway } from "./forward.js";

/** Stands between nginx and a function that has schemas. */
export interface Gate {
  /** From now on requests are held against this. */
  update(facts: GateFacts): void;
  close(): Promise<void>;
}

export interface GateFacts {
  readonly config: Pick<FunctionConfig, "inputSchema" | "outputSchema" | "maxBodyBytes">;
  /** Names of the instances, of which none need be there. */
  readonly servers: readonly InstanceAddress[];
  /** Who starts an instance. */
  readonly holdSocket: string;
}

export interface GateOptions {
  readonly path: string;
  readonly owner: Owner;
  readonly log: { error(fields: object, text: string): void };
}

export async function openGate(options: GateOptions, first: GateFacts): Promise<Gate> {
  let facts = first;
  let turn = 0;
  const server = createServer({ requestTimeout: 0, maxHeaderSize: mostHeaderBytes }, (request, response) => {
    const abort = new AbortController();
    response.once("close", () => abort.abort());
    const passing: Passing = { ...facts, turn: turn++, signal: abort.signal };
    pass(request, response, passing).catch((error: unknown) => {
      if (response.headersSent || abort.signal.aborted) response.destroy();
      else refuse(response, error, options);
    });
  });
  await listenFor(server, options);
  let closing: Promise<void> | undefined;
  return {
    update(next) {
      facts = next;
    },
    close: () =>
      (closing ??= (async () => {
        await rm(options.path, { force: true });
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      })()),
  };
}

interface Passing extends GateFacts {
  readonly turn: number;
  readonly signal: AbortSignal;
}

async function pass(request: IncomingMessage, response: ServerResponse, passing: Passing): Promise<void> {
  const { config, signal } = passing;
  const held = config.inputSchema !== null && hasInput(request.method ?? "");
  let body: Uint8Array | null = null;
  if (held) {
    try {
      body = await collect(request, config.maxBodyBytes);
      checkInput(config, body);
    } catch (error) {
      return answer(response, toBloomError(error), { [turnedAway]: "1" });
    }
  }
  const socket = await connectFirst(addressesOf(passing), signal);
  const result = await forward(request, socket, body, signal);
  if (!isChecked(request, result, config)) return passOn(result, response);
  try {
    const whole = await collectAnswer(result, config.maxBodyBytes);
    checkOutput(config, whole);
    writeHead(result, response);
    response.end(whole);
  } catch (error) {
    result.destroy();
    answer(response, toBloomError(error), {});
  }
}

/** The instances in turn; whoever starts one comes last. */
function addressesOf({ servers, turn, holdSocket }: Passing): readonly InstanceAddress[] {
  const at = servers.length === 0 ? 0 : turn % servers.length;
  return [...servers.slice(at), ...servers.slice(0, at), { kind: "unix", path: holdSocket }];
}

/** An answer whose length nobody knows is a stream, and is passed on as it comes. */
function isChecked(
  { method }: IncomingMessage,
  { statusCode = 0, headers }: IncomingMessage,
  { outputSchema }: GateFacts["config"],
): boolean {
  const hasBody = statusCode >= 200 && statusCode < 300 && statusCode !== 204 && method !== "HEAD";
  return outputSchema !== null && hasBody && headers["content-length"] !== undefined;
}

async function passOn(result: IncomingMessage, response: ServerResponse): Promise<void> {
  writeHead(result, response);
  await pipeline(result, response);
}

function writeHead(
  { statusCode = 502, statusMessage = "", rawHeaders }: IncomingMessage,
  response: ServerResponse,
): void {
  response.sendDate = false;
  response.writeHead(statusCode, statusMessage, passHeaders(rawHeaders));
  // A stream may have said its head long before its first byte.
  response.flushHeaders();
}

async function collect(request: IncomingMessage, most: number): Promise<Uint8Array> {
  const tooLarge = new BloomError(
    "ERR_BODY_TOO_LARGE",
    `the body is larger than the ${most} bytes the function takes`,
  );
  if (Number(request.headers["content-length"] ?? 0) > most) throw tooLarge;
  const { "content-encoding": coding = "identity" } = request.headers;
  if (coding !== "identity")
    throw new BloomError("ERR_INPUT_INVALID", `a body in the coding ${coding} cannot be checked`, {
      details: { pointer: "", details: [] },
    });
  return await readWhole(request, most, tooLarge);
}

async function collectAnswer(result: IncomingMessage, most: number): Promise<Uint8Array> {
  const tooLarge = new BloomError(
    "ERR_OUTPUT_INVALID",
    `the function's answer is larger than the ${most} bytes that are checked`,
    { details: { pointer: "", details: [] } },
  );
  try {
    return await readWhole(result, most, tooLarge);
  } catch (cause) {
    if (cause === tooLarge) throw cause;
    throw new BloomError("ERR_FUNCTION_UNREACHABLE", "the function broke off in its answer", { cause });
  }
}

async function readWhole(stream: IncomingMessage, most: number, tooLarge: BloomError): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Not destroyed by a refusal: the answer goes out on the same connection.
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    const bytes = chunk as Uint8Array;
    length += bytes.length;
    if (length > most) throw tooLarge;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks, length);
}

function refuse(response: ServerResponse, error: unknown, { log }: GateOptions): void {
  const known = toBloomError(error);
  if (known.code === "ERR_INTERNAL")
    log.error({ err: error }, "a request could not be held against its schema");
  answer(response, known, {});
}

/**
 * Errors as functions say them, with the place that is wrong beside. While the body still comes, the connection stays
 * open: closing it could take the answer with it. nginx closes it as soon as it has the answer.
 */
function answer(
  response: ServerResponse,
  error: BloomError,
  headers: Readonly<Record<string, string>>,
): void {
  const body = JSON.stringify({ error: error.message, code: error.code, ...error.details });
  response.writeHead(error.status, {
    ...headers,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  const { req: request } = response;
  if (request.complete) return void response.end(body);
  response.write(body);
  request.once("close", () => response.end()).resume();
}
