/** When instances are ended because nobody asks, of every shape but functions, which have their own. */
export interface SleepConfig {
  /** So many go on running; 0: the app sleeps, and the next client wakes it. Less than the app's replicas. */
  readonly minReplicas: number;
  /** Seconds without a request and without a connection. */
  readonly idleSeconds: number;
}

/** Seconds, when nobody says anything. */
export const defaultIdleSeconds = 300;
