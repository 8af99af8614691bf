import { igniteAppRoutes } from "./app-routes.js";
import { igniteCatalogRoutes } from "./catalog-routes.js";
import { igniteExecutionRoutes } from "./execution-routes.js";
import { igniteLogRoutes } from "./log-routes.js";
import { igniteToolRoutes } from "./tool-routes.js";
import { igniteVersionRoutes } from "./version-routes.js";

/** The Ignite surface: paths and words are theirs. */
export const igniteRoutes = {
  ...igniteAppRoutes,
  ...igniteVersionRoutes,
  ...igniteExecutionRoutes,
  ...igniteLogRoutes,
  ...igniteToolRoutes,
  ...igniteCatalogRoutes,
} as const;
