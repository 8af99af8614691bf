import type { ApiContext } from "../routes/context.js";
import { createIgniteAppHandlers } from "./apps.js";
import { createCatalogHandlers } from "./catalog.js";
import { createIgniteDraftHandlers } from "./drafts.js";
import { createIgniteVersionHandlers } from "./versions.js";

/** The Ignite surface's handlers for apps, drafts, versions and the catalog. */
export function createIgniteHandlers(context: ApiContext) {
  return {
    ...createIgniteAppHandlers(context),
    ...createIgniteDraftHandlers(context),
    ...createIgniteVersionHandlers(context),
    ...createCatalogHandlers(context),
  };
}
