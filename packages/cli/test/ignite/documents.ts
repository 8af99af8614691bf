import type { ignite } from "@bloomery/contract";

/** Documents as the wire has them, for a made-up function `org/hello`. */
export const app: ignite.AppMeta = {
  id: "org/hello",
  name: "hello",
  organizationName: "org",
  description: "",
  runtime: "rust-native",
  resourceTier: "RESOURCE_TIER_SMALL",
  limits: { memoryMb: 256, cpuMillicores: 250, timeoutSecs: 60 },
  scaling: {
    ...{ minReplicas: 0, maxReplicas: 1, reserved: 0, autoMode: "AUTO_MODE_DISABLED" },
    ...{ maxConcurrency: 0, queueLimit: 100, idleSecs: 60 },
  },
  maxConcurrency: 0,
  storageMode: "PERSISTENT",
  ttlSecs: "0",
  env: { LOG: "debug" },
  deploymentState: "DEPLOYMENT_STATE_SLEEPING",
  activeVersion: 2,
  version: 2,
  inputSchema: "",
  outputSchema: "{}",
  mcpEnabled: false,
  allowUnauthenticated: false,
  keepPayloads: false,
  url: "http://hello-org.localhost:4680/",
  createdAtMs: "1767225600000",
};

export const draft: ignite.DraftView = {
  status: "DRAFT_STATUS_SAVED",
  codeHash: "0123abcd",
  codeKind: "CODE_KIND_SDK",
  createdAtMs: "1767225600000",
};

export const deployId = "bld-222222222222";
export const compiled: ignite.DraftView = {
  ...draft,
  status: "DRAFT_STATUS_COMPILED",
  deployId,
  added: ["ignite: the SDK that comes with the platform"],
};

export function logLine(text: string, status?: ignite.DraftStatus): ignite.CompileLogLine {
  return { deployId, timestampMs: "1767225600000", text, ...(status === undefined ? {} : { status }) };
}

export const created = {
  appId: "org/hello",
  deploymentState: "DEPLOYMENT_STATE_CREATED",
  appliedTier: "RESOURCE_TIER_SMALL",
  appliedLimits: { memoryMb: 256, cpuMillicores: 250 },
} as const;

export const version: ignite.VersionItem = {
  version: 2,
  codeHash: "0123abcd",
  createdAtMs: "1767225600000",
  status: "VERSION_STATUS_ACTIVE",
  resourceTier: "RESOURCE_TIER_SMALL",
  runtime: "rust-native",
  toolchainVersion: "1.93.0",
  sdkVersion: "0.1.0",
};

export const execution: ignite.ExecutionView = {
  executionId: "x-222222222222",
  functionId: "org/hello",
  version: 2,
  status: "EXECUTION_STATUS_SUCCEEDED",
  kind: "EXECUTION_KIND_ASYNC",
  httpStatus: 200,
  cold: true,
  attempt: 1,
  createdAtMs: "1767225600000",
  finishedAtMs: "1767225601205",
  queueMs: 0.1,
  startMs: 5.25,
  runMs: 1200,
  requestBytes: "2",
  responseBytes: "1000",
};

/** The frames of an answer. */
export function frames(
  status: number,
  chunks: readonly string[],
  trailer: Partial<Extract<ignite.InvokeFrame, { trailer: unknown }>["trailer"]> = {},
): ignite.InvokeFrame[] {
  return [
    {
      head: {
        executionId: execution.executionId,
        version: 2,
        status,
        headers: { "content-type": "application/json" },
      },
    },
    ...chunks.map((chunk) => ({ chunk: { data: Buffer.from(chunk).toString("base64") } })),
    { trailer: { status: "EXECUTION_STATUS_SUCCEEDED", bytes: "2", durationMs: 1.5, ...trailer } },
  ];
}

export function notFound(message: string): { status: number; body: unknown } {
  return { status: 404, body: { error: { code: "ERR_NOT_FOUND", message } } };
}
