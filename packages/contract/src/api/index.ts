import { igniteRoutes } from "../ignite/routes.js";
import { activityRoutes } from "./activities.js";
import { appRoutes } from "./apps.js";
import { connectionRoutes } from "./connections.js";
import { deploymentRoutes } from "./deployments.js";
import { insideRoutes } from "./inside.js";
import { logRoutes } from "./logs.js";
import { platformRoutes } from "./platform.js";
import { sourceRoutes } from "./sources.js";
import { variableRoutes } from "./variables.js";

export * from "./activities.js";
export * from "./apps.js";
export * from "./common.js";
export * from "./connections.js";
export * from "./deployments.js";
export * from "./inside.js";
export * from "./logs.js";
export * from "./platform.js";
export * from "./route.js";
export * from "./sources.js";
export * from "./variables.js";

/** Every route of the API. */
export const apiRoutes = {
  ...platformRoutes,
  ...appRoutes,
  ...sourceRoutes,
  ...deploymentRoutes,
  ...variableRoutes,
  ...insideRoutes,
  ...connectionRoutes,
  ...logRoutes,
  ...activityRoutes,
  ...igniteRoutes,
} as const;

export type ApiRoutes = typeof apiRoutes;
export type RouteName = keyof ApiRoutes;
