import { afterAll, afterEach, beforeAll } from "vitest";
import { eventually, startPlatform, type Platform } from "./platform.js";
import { answeringApp, crateFiles, makeProject, type Project } from "./project.js";

/** The body of an error in `--json` output. */
export interface Failure {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly hint: string;
    readonly details?: Readonly<Record<string, unknown>>;
  };
}

export interface Instances {
  readonly instances: readonly {
    readonly id: string;
    readonly pid: number;
    readonly state: string;
    readonly restarts: number;
  }[];
}

/** A platform with one app that answers `good`, for tests that try to break it. */
export interface Shop {
  readonly host: string;
  platform(): Platform;
  /** The project whose deploy makes the good version. */
  project(): Project;
  ps(): Promise<Instances>;
  lastState(): Promise<string>;
}

/** Registers the hooks; after every test the good version must answer. */
export function useShop(): Shop {
  const host = "shop-local.localhost";
  let platform: Platform | undefined;
  let project: Project | undefined;
  const open = (): Platform => {
    if (platform === undefined) throw new Error("the platform has not started");
    return platform;
  };
  const source = (): Project => {
    if (project === undefined) throw new Error("the project has not been made");
    return project;
  };
  beforeAll(async () => {
    platform = await startPlatform();
    project = await makeProject(crateFiles("shop", answeringApp("good")));
    await platform.json("deploy", project.dir, "-a", "shop");
  });
  afterAll(async () => {
    await platform?.stop();
    await project?.dispose();
  });
  afterEach(async () => {
    const answer = (): Promise<string | undefined> =>
      open()
        .get(host)
        .then(
          (one) => one.body,
          () => undefined,
        );
    await eventually("the good version's answer", answer, (body) => body === "good");
  });
  return {
    host,
    platform: open,
    project: source,
    ps: () => open().json<Instances>("ps", "shop"),
    async lastState() {
      const status = await open().json<{ environments: { lastDeployment: { state: string } }[] }>(
        "status",
        "shop",
      );
      return status.environments[0]?.lastDeployment.state ?? "";
    },
  };
}
