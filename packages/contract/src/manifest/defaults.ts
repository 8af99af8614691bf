/** What holds when the manifest says nothing. The reference prints these very values. */
export const manifestDefaults = Object.freeze({
  memoryBytes: 512 * 1024 ** 2,
  /** Cores. */
  cpu: 1,
  pids: 512,
  replicas: 1,
  network: "outbound",
  profile: "release",
  /** Told to the app in PORT. */
  port: 8888,
  readyTimeoutSeconds: 60,
  /** From TERM to KILL. */
  graceSeconds: 15,
  /** How long an old instance may finish its connections. */
  drainSeconds: 30,
  /** Bytes of /tmp. */
  tmpBytes: 1024 ** 3,
  /** What happens after a failed `deploy` hook. */
  onHookFailure: "keep_old",
  /** Longest time a request waits during a stop-start deployment. */
  holdSeconds: 300,
  /** The proxy's limits, in seconds. */
  timeouts: Object.freeze({ connectSeconds: 5, readSeconds: 60, sendSeconds: 60, streamSeconds: 3600 }),
  /** Largest body of a request. */
  maxBodyBytes: 250 * 1024 ** 2,
} as const);

/** Limits of the numbers in a manifest. */
export const manifestLimits = Object.freeze({
  diskMb: { min: 128, max: 10_000_000 },
  memoryBytes: { min: 16_000_000, max: 16 * 1024 ** 4 },
  cpu: { min: 0.05, max: 1024 },
  pids: { min: 8, max: 1_000_000 },
  /** There are so many names for the instances of one environment. */
  replicas: { min: 1, max: 16 },
  functionReplicas: { min: 1, max: 64 },
  seconds: { min: 1, max: 86_400 },
  holdSeconds: { min: 1, max: 3600 },
  tmpBytes: { min: 1_000_000, max: 16 * 1024 ** 4 },
  /** Of a function's request. */
  bodyBytes: { min: 1000, max: 4 * 1024 ** 3 },
  /** MB (2^20 bytes). */
  baseMemory: { min: 64, max: 1024 },
  memoryRatio: { min: 128, max: 1024 },
  port: { min: 1, max: 65_535 },
} as const);
