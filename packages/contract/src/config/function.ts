import type { JsonValue } from "./json.js";

/** What makes an app a function. Seconds and counts; 0 means no limit where nothing else is said. */
export interface FunctionConfig {
  /** `native`: a program of its own; `wasm`: a component in a host that runs many. */
  readonly target: "native" | "wasm";
  /** Longest time one execution may take. */
  readonly timeoutSeconds: number;
  /** Executions in one instance at a time. */
  readonly concurrency: number;
  /** Requests that may wait for a place; beyond it they are turned away. */
  readonly queueLimit: number;
  /** Instances that run even when nobody asks. */
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** After this time without a request nothing runs any more. */
  readonly idleSeconds: number;
  /** Bytes of a body that a handler takes as a whole. */
  readonly maxBodyBytes: number;
  /** Bytes one execution may store for itself. */
  readonly tempBytes: number;
  readonly allowUnauthenticated: boolean;
  /** Whether payloads are kept, which a replay needs. */
  readonly keepPayloads: boolean;
  /** JSON Schemas that requests and answers are held against. */
  readonly inputSchema: JsonValue | null;
  readonly outputSchema: JsonValue | null;
  /** Whether it is offered as a tool. */
  readonly mcp: boolean;
  readonly description: string;
  /** `name`, `name@1.2` or `name@1.2+feature`: added to what its manifest says. */
  readonly dependencies: readonly string[];
}

/** What holds when nobody says anything. */
export const functionDefaults = Object.freeze({
  target: "native",
  timeoutSeconds: 60,
  concurrency: 0,
  queueLimit: 1000,
  minReplicas: 0,
  maxReplicas: 1,
  idleSeconds: 300,
  maxBodyBytes: 6 * 1024 ** 2,
  tempBytes: 64 * 1024 ** 2,
  allowUnauthenticated: false,
  keepPayloads: false,
  inputSchema: null,
  outputSchema: null,
  mcp: false,
  description: "",
  dependencies: Object.freeze([]),
} as const satisfies FunctionConfig);
