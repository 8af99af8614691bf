import { appRoutes } from "./apps.js";
import { deploymentRoutes } from "./deployments.js";
import { platformRoutes } from "./platform.js";
import { recordRoutes } from "./records.js";
import { sourceRoutes } from "./sources.js";

export * from "./apps.js";
export * from "./common.js";
export * from "./deployments.js";
export * from "./platform.js";
export * from "./records.js";
export * from "./route.js";
export * from "./sources.js";

/** Every route of the API. */
export const apiRoutes = {
  ...platformRoutes,
  ...appRoutes,
  ...sourceRoutes,
  ...deploymentRoutes,
  ...recordRoutes,
} as const;

export type ApiRoutes = typeof apiRoutes;
export type RouteName = keyof ApiRoutes;
