import type { Handlers } from "../handlers.js";
import { createAppHandlers } from "./apps.js";
import type { ApiContext } from "./context.js";
import { createDeploymentHandlers } from "./deployments.js";
import { createPlatformHandlers } from "./platform.js";
import { createRecordHandlers } from "./records.js";

/** The handlers of all routes. */
export function createHandlers(context: ApiContext): Handlers {
  return {
    ...createPlatformHandlers(context),
    ...createAppHandlers(context),
    ...createDeploymentHandlers(context),
    ...createRecordHandlers(context),
  };
}
