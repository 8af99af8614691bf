import { z } from "zod";
import { orgParams } from "../api/common.js";
import { defineRoutes } from "../api/route.js";
import { appName } from "../names.js";
import { appMeta } from "./app.js";
import { nextCursor, page, tag } from "./route-parts.js";

/** What a caller has to know of a published function. */
export const catalogEntry = appMeta
  .pick({
    ...{ name: true, organizationName: true, description: true, runtime: true, version: true },
    ...{ inputSchema: true, outputSchema: true, mcpEnabled: true, allowUnauthenticated: true, url: true },
  } as const)
  .extend({ appId: appMeta.shape.id });

/** Published functions, for those who call them. */
export const igniteCatalogRoutes = defineRoutes({
  igniteListCatalog: {
    method: "GET",
    path: "/v1/ignite/catalog/:org",
    access: "viewer",
    // A token for one app sees that one.
    scope: "platform",
    tag,
    summary: "The published functions of an organization",
    params: orgParams,
    query: page,
    response: z.object({ entries: z.array(catalogEntry), nextCursor }),
  },
  igniteListPublicCatalog: {
    method: "GET",
    path: "/v1/ignite/public/catalog",
    access: "public",
    scope: "platform",
    tag,
    summary: "The published functions of the organization `public` that need no token",
    query: page,
    response: z.object({ entries: z.array(catalogEntry), nextCursor }),
  },
  igniteGetPublicCatalog: {
    method: "GET",
    path: "/v1/ignite/public/catalog/:name",
    access: "public",
    scope: "platform",
    tag,
    summary: "One of them",
    params: z.object({ name: appName }),
    response: catalogEntry,
  },
});
