import type { AppView, DeploymentEvent, DeploymentView, EnvironmentView, LogLine } from "@bloomery/contract";

/** Documents as a daemon answers them, for a made-up app `shop`. */
export const environment: EnvironmentView = {
  name: "main",
  url: "http://shop-local.localhost:4680/",
  tcp: null,
  desired: "running",
  health: "running",
  version: 3,
  release: 5,
  replicas: { web: 1 },
  instances: { ready: 1, wanted: 1 },
  trouble: null,
  lastDeployment: null,
};

export const app: AppView = {
  org: "local",
  app: "shop",
  shape: "web",
  createdAt: "2026-01-01T00:00:00.000Z",
  environments: [environment],
};

export const deployment: DeploymentView = {
  id: "dep-222222222222",
  environment: "main",
  kind: "deploy",
  state: "pending",
  version: null,
  release: null,
  build: null,
  reused: false,
  url: environment.url,
  tcp: null,
  error: null,
  timings: null,
  createdBy: "admin",
  createdAt: "2026-01-01T00:00:00.000Z",
  finishedAt: null,
};

export const live: DeploymentView = {
  ...deployment,
  state: "live",
  version: 4,
  release: 6,
  timings: { uploadMs: 1, buildMs: 2, startMs: 3, switchMs: 4, totalMs: 10 },
};

export function failed(code: NonNullable<DeploymentView["error"]>["code"], message: string): DeploymentView {
  return { ...deployment, state: "failed", error: { code, message } };
}

export function phase(name: Extract<DeploymentEvent, { type: "phase" }>["phase"]): DeploymentEvent {
  return { type: "phase", phase: name, at: "2026-01-01T00:00:00.000Z" };
}

/** A line of output; `time` is the part below the second. */
export function logLine(time: string, text: string, instance = "i-222222222222"): LogLine {
  return {
    time: `2026-01-01T00:00:00.${time}Z`,
    type: "app",
    app: "shop",
    environment: "main",
    version: 1,
    instance,
    role: "web",
    stream: "stdout",
    text,
    execution: null,
  };
}
