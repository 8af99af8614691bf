import type { ExecutionKind, ignite } from "@bloomery/contract";
import type { input } from "zod";
import type { Version } from "../../store/versions.js";
import type { Place } from "../places.js";

/** What an instance says of itself between its records. */
export interface Pressure {
  readonly instance: string;
  /** Executions under way, and requests that wait for a place. */
  readonly running: number;
  readonly waiting: number;
}

/** Which code an invocation is for. */
export type InvokeTarget =
  | { readonly kind: "live"; readonly place: Place }
  /** A version beside the live one, in an instance of its own that ends soon after. */
  | { readonly kind: "version"; readonly place: Place; readonly version: Version }
  /** The compiled draft, in the same way. */
  | { readonly kind: "draft"; readonly place: Place };

export interface InvokeOptions {
  readonly kind: ExecutionKind;
  /** The execution's id where it has one already. */
  readonly execution?: string;
  readonly signal: AbortSignal;
}

/** Calls functions for the API, for the queue and for tools. */
export interface Invoker {
  /** The answer in frames: a head, chunks, and always a trailer. Throws before the head what kept it from being run. */
  invoke(
    target: InvokeTarget,
    request: ignite.InvokeRequest,
    options: InvokeOptions,
  ): AsyncIterable<InvokeFrameData>;
}

/** A frame before it is written for the wire. */
export type InvokeFrameData = input<typeof ignite.invokeFrame>;

/** Told what a direct request waited for before its function ran; the record of the execution takes it in. */
export interface StartNotes {
  note(execution: string, waited: { readonly queueUs: number; readonly startUs: number }): void;
}
