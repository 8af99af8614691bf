import { z } from "zod";
import { sourceEntry } from "../source.js";
import { appParams } from "./common.js";
import { defineRoutes } from "./route.js";

const tree = z.string().regex(/^[0-9a-f]{64}$/);

export const sourceRoutes = defineRoutes({
  planUpload: {
    method: "POST",
    path: "/v1/orgs/:org/apps/:app/sources",
    access: "developer",
    scope: "app",
    tag: "sources",
    summary:
      "Names every file of a source tree by its content; the answer says which contents the daemon lacks",
    params: appParams,
    body: z.object({ entries: z.array(sourceEntry) }),
    response: z.object({ tree, missing: z.array(z.string()) }),
  },
  uploadBlobs: {
    method: "PUT",
    path: "/v1/orgs/:org/apps/:app/sources/:tree/blobs",
    access: "developer",
    scope: "app",
    tag: "sources",
    summary: "A tar stream with the missing contents, each named by its sha256 in hexadecimal digits",
    params: appParams.extend({ tree }),
    rawBody: "application/x-tar",
    response: z.object({ received: z.number().int() }),
  },
  uploadArchive: {
    method: "POST",
    path: "/v1/orgs/:org/apps/:app/sources/archive",
    access: "developer",
    scope: "app",
    tag: "sources",
    summary: "A whole source tree as one tar stream, for callers without the CLI",
    params: appParams,
    rawBody: "application/x-tar",
    response: z.object({ tree }),
  },
});
