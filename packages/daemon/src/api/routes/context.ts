import type { PlatformStatus } from "@bloomery/contract";
import type { BuildStage } from "../../deploy/build-port.js";
import type { Deployer } from "../../deploy/deployer.js";
import type { EventHub } from "../../deploy/events.js";
import type { Fleet } from "../../deploy/fleet.js";
import type { Jobs } from "../../deploy/jobs.js";
import type { Operations } from "../../deploy/operations.js";
import type { Secrets } from "../../release/secrets.js";
import type { Store } from "../../store/open-store.js";
import type { ViewParts } from "../views.js";

/** What the route handlers share; made once in the composition root. */
export interface ApiContext {
  readonly store: Store;
  readonly secrets: Secrets;
  readonly fleet: Fleet;
  readonly deployer: Deployer;
  readonly operations: Operations;
  readonly jobs: Jobs;
  readonly hub: EventHub;
  readonly views: ViewParts;
  readonly version: string;
  readonly status: () => Promise<PlatformStatus>;
  readonly shutdown: (apps: boolean) => void;
  readonly sources: BuildStage["sources"];
  /** Folder with the log files of one instance. */
  readonly instanceLogDir: (instance: string) => string;
  readonly buildLogFile: (build: string) => string;
  /** Calls back when instances came or went. */
  readonly watchInstances: (changed: () => void) => () => void;
}
