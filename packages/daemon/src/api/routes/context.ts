import type { PlatformStatus, RouteExplanation } from "@bloomery/contract";
import type { BuildStage } from "../../deploy/build-port.js";
import type { Deployer } from "../../deploy/deployer.js";
import type { EventHub } from "../../deploy/events.js";
import type { ExecutionRecords } from "../../deploy/function/executions.js";
import type { Functions } from "../../deploy/function/open-functions.js";
import type { Invocations } from "../../deploy/function/invoke/open-invocations.js";
import type { Fleet } from "../../deploy/fleet.js";
import type { AppActivation } from "../../deploy/activation/open-activation.js";
import type { Jobs } from "../../deploy/jobs.js";
import type { Operations } from "../../deploy/operations.js";
import type { Secrets } from "../../release/secrets.js";
import type { Place } from "../../deploy/places.js";
import type { Reach } from "../../deploy/reach.js";
import type { Engine } from "../../run/engines/engine.js";
import type { Volumes } from "../../run/volumes/open-volumes.js";
import type { Store } from "../../store/open-store.js";
import type { ViewParts } from "../views.js";

/** What the route handlers share; made once in the composition root. */
export interface ApiContext {
  readonly store: Store;
  readonly secrets: Secrets;
  readonly fleet: Fleet;
  readonly deployer: Deployer;
  readonly operations: Operations;
  readonly activation: Pick<AppActivation, "asleep" | "hasDoor" | "sleep">;
  readonly functions: Functions;
  readonly jobs: Jobs;
  readonly hub: EventHub;
  readonly views: ViewParts;
  readonly version: string;
  readonly executions: Pick<ExecutionRecords, "events" | "catchUp">;
  readonly invocations: Invocations;
  readonly status: () => Promise<PlatformStatus>;
  readonly shutdown: (apps: boolean) => void;
  readonly sources: BuildStage["sources"];
  readonly logFiles: LogFiles;
  /** Calls back when instances came or went. */
  readonly watchInstances: (changed: () => void) => () => void;
  readonly runTool: Engine["runTool"];
  readonly volumes: Pick<Volumes, "prepare" | "capacity">;
  readonly reach: Reach;
  /** How the environment's live version would answer. */
  readonly explainRoute: (
    place: Place,
    request: { readonly url: string; readonly method: string },
  ) => Promise<RouteExplanation>;
}

/** Where logs are kept. */
export interface LogFiles {
  /** Folder with the log files of one instance. */
  readonly instanceDir: (instance: string) => string;
  readonly build: (build: string) => string;
  readonly hook: (environmentId: string, hook: "deploy" | "post_deploy") => string;
  /** nginx's, of all apps. */
  readonly access: string;
  readonly error: string;
  /** All names the environment is reached by, as nginx's error log calls it. */
  readonly hostNamesOf: (place: Place) => Promise<readonly string[]>;
}
