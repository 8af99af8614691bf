import type { FunctionConfig } from "@bloomery/contract";
import type { Place } from "../../places.js";
import type { Awake } from "../../activation/ports.js";

/** The code a call is for, found but not running yet. */
export interface CallTarget {
  readonly place: Place;
  readonly config: FunctionConfig;
  /** 0: a draft. */
  readonly version: number;
  /** An instance of it that is ready. Throws why there is none. */
  open(signal: AbortSignal): Promise<OpenInstance>;
}

export interface OpenInstance {
  readonly awake: Awake;
  /** The call is over; harmless when called again. */
  done(): void;
}
