import type { Handlers } from "../handlers.js";
import { createExecutionHandlers } from "../ignite/executions.js";
import { createInvocationHandlers } from "../ignite/invocations.js";
import { createFunctionLogHandlers } from "../ignite/logs.js";
import { createIgniteHandlers } from "../ignite/index.js";
import { createAppHandlers } from "./apps.js";
import { createConnectionHandlers } from "./connections.js";
import type { ApiContext } from "./context.js";
import { createDeploymentHandlers } from "./deployments.js";
import { createInsideHandlers } from "./inside.js";
import { createLogHandlers } from "./logs.js";
import { createPlatformHandlers } from "./platform.js";
import { createRecordHandlers } from "./records.js";
import { createToolHandlers } from "./tools.js";
import { createVariableHandlers } from "./variables.js";

/** The handlers of all routes. */
export function createHandlers(context: ApiContext): Handlers {
  return {
    ...createPlatformHandlers(context),
    ...createAppHandlers(context),
    ...createDeploymentHandlers(context),
    ...createRecordHandlers(context),
    ...createVariableHandlers(context),
    ...createLogHandlers(context),
    ...createInsideHandlers(context),
    ...createConnectionHandlers(context),
    ...createToolHandlers(context),
    ...createExecutionHandlers(context),
    ...createInvocationHandlers(context),
    ...createFunctionLogHandlers(context),
    ...createIgniteHandlers(context),
  };
}
