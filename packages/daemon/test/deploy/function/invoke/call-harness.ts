import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { functionDefaults } from "@bloomery/contract";
import { onTestFinished } from "vitest";
import type { CallTarget } from "../../../../src/deploy/function/invoke/call-target.js";
import { runCall } from "../../../../src/deploy/function/invoke/run-call.js";
import type { InvokeFrameData } from "../../../../src/deploy/function/ports.js";
import type { ExecutionEnd } from "../../../../src/store/execution-queue.js";
import { startFake, type FakeFunction } from "./fake-function.js";

interface Setup {
  readonly fake: FakeFunction;
  readonly target: CallTarget;
  readonly ends: ExecutionEnd[];
  readonly abort: AbortController;
  /** How often the call is over as its instance sees it. */
  readonly done: () => number;
  call(http?: object, payload?: string): AsyncGenerator<InvokeFrameData, void, undefined>;
}

/** Calls of a function that is a server in this process. */
export async function setUp(
  answer: Parameters<typeof startFake>[1],
  { timeoutSeconds = 60, startUs = null as number | null, graceMs = 50 } = {},
): Promise<Setup> {
  const folder = await mkdtemp(join(tmpdir(), "bloom-call-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const fake = await startFake(join(folder, "app.sock"), answer);
  onTestFinished(() => fake.kill());
  const ends: ExecutionEnd[] = [];
  const abort = new AbortController();
  let done = 0;
  const place = { org: { name: "acme" }, app: { name: "hello" }, environment: { name: "main" } };
  const target: CallTarget = {
    place: place as CallTarget["place"],
    config: { ...functionDefaults, timeoutSeconds },
    version: 3,
    open: async () => ({ awake: { instance: fake.instance, version: 3, startUs }, done: () => void done++ }),
  };
  return {
    ...{ fake, target, ends, abort, done: () => done },
    call: (http = {}, payload = "") =>
      runCall(
        {
          ...{ execution: "x-1", target, signal: abort.signal, graceMs },
          request: {
            http: { method: "POST", path: "/", query: "", headers: {}, ...http },
            payload: Buffer.from(payload),
          },
        },
        (end) => ends.push(end),
      ),
  };
}

export async function collect(frames: AsyncIterable<InvokeFrameData>) {
  const all: InvokeFrameData[] = [];
  for await (const frame of frames) all.push(frame);
  const text = all
    .flatMap((frame) => ("chunk" in frame ? [Buffer.from(frame.chunk.data)] : []))
    .reduce((sum, piece) => Buffer.concat([sum, piece]), Buffer.alloc(0))
    .toString();
  const head = all.flatMap((frame) => ("head" in frame ? [frame.head] : []))[0];
  const last = all.at(-1);
  return { all, head, text, trailer: last !== undefined && "trailer" in last ? last.trailer : undefined };
}
