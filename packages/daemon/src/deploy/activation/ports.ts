import type { AppConfig } from "@bloomery/contract";
import type { Instance } from "../../run/engines/engine.js";
import type { Start } from "./wakes.js";

/** An instance that answers, and what it took to have one. */
export interface Awake {
  readonly instance: Instance;
  readonly version: number;
  /** Microseconds from the wish to readiness; null: it ran already. */
  readonly startUs: number | null;
}

/** Nothing runs when nobody asks; whoever asks gets an instance. */
export interface Activation {
  /**
   * A ready instance of the environment's live release, started when none runs; whoever asks meanwhile gets the same.
   * Throws ERR_NOTHING_DEPLOYED, ERR_APP_STOPPED, ERR_START_FAILED or ERR_NOT_READY. Of one that is started, `onStands`
   * tells as soon as its socket takes connections, a little before it is ready.
   */
  wake(environmentId: string, signal: AbortSignal, onStands?: (instance: Instance) => void): Promise<Awake>;
  /** Ends what runs, after what it has begun; the next request wakes it. Harmless when it sleeps already. */
  sleep(environmentId: string): Promise<void>;
  isAsleep(environmentId: string): boolean;
}

/** How environments of one kind come to have more or fewer instances. */
export interface Scaling {
  /** Something runs in this environment: it is looked at from now on. */
  begin(environmentId: string): void;
  /** Requests waited, or instances came or went: what was seen of the load before says nothing any more. */
  strain(environmentId: string): void;
  close(): Promise<void>;
}

/** What a scaling works with. */
export interface ScalingParts {
  /** Of an environment that there is, and of this kind. */
  readonly configOf: (environmentId: string) => AppConfig | undefined;
  readonly live: (environmentId: string) => readonly Instance[];
  readonly isStarting: (environmentId: string) => boolean;
  readonly start: (environmentId: string, replica: number) => Start;
  /** Takes them their names and ends them when they have finished; resolves before that. */
  readonly giveBack: (environmentId: string, instances: readonly Instance[]) => Promise<void>;
  readonly log: { warn(fields: object, text: string): void };
}
