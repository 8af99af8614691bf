import { z } from "zod";
import { appParams } from "../api/common.js";
import { defineRoutes } from "../api/route.js";
import { appMeta, appSettings } from "./app.js";
import { codeRequestBytes, codeSource, compileLogLine, draftView, versionItem } from "./draft.js";
import { invokeFrame, invokeRequest } from "./execution.js";
import { bytesText, versionNumber } from "./json.js";
import { appPath as path, nextCursor, page, tag } from "./route-parts.js";

const versionParams = appParams.extend({ version: z.coerce.number().int().positive() });

const codeAnswer = z.object({
  fileName: z.string(),
  /** 0: the draft. */
  version: z.number().int(),
  /** A tar.gz of the code as it was given. */
  sourceCode: bytesText,
});

/** From the draft to the active version and back. */
export const igniteVersionRoutes = defineRoutes({
  igniteSaveDraft: {
    method: "POST",
    path: `${path}/draft`,
    access: "developer",
    scope: "app",
    tag,
    summary: "Overwrites the draft",
    params: appParams,
    body: z.strictObject({
      code: codeSource,
      inputSchema: appSettings.shape.inputSchema,
      outputSchema: appSettings.shape.outputSchema,
    }),
    bodyBytes: codeRequestBytes,
    response: z.object({ draft: draftView }),
  },
  igniteGetDraft: {
    method: "GET",
    path: `${path}/draft`,
    access: "viewer",
    scope: "app",
    tag,
    summary: "What the draft is",
    params: appParams,
    response: z.object({ draft: draftView }),
  },
  igniteCompileDraft: {
    method: "POST",
    path: `${path}/draft/compile`,
    access: "developer",
    scope: "app",
    tag,
    summary: "Compiles the draft; answers at once, the log tells the rest",
    params: appParams,
    response: z.object({ deployId: z.string(), draft: draftView }),
  },
  igniteCompileLogs: {
    method: "GET",
    path: "/v1/ignite/compile/:deploy/logs",
    access: "viewer",
    scope: "platform",
    tag,
    summary: "The log of a compile from its beginning until it has ended",
    params: z.object({ deploy: z.string().max(64) }),
    response: compileLogLine,
    stream: true,
  },
  igniteGetBuildLog: {
    method: "GET",
    path: `${path}/builds/:build/log`,
    access: "viewer",
    scope: "app",
    tag,
    summary: "What a compile has said until now",
    params: appParams.extend({ build: z.string().max(64) }),
    response: z.object({ buildId: z.string(), status: draftView.shape.status, log: z.string() }),
  },
  ignitePublishDraft: {
    method: "POST",
    path: `${path}/draft/publish`,
    access: "developer",
    scope: "app",
    tag,
    summary: "Makes the compiled draft the next version and the active one",
    params: appParams,
    response: z.object({ version: z.number().int(), url: z.string() }),
  },
  igniteTestDraft: {
    method: "POST",
    path: `${path}/draft/test`,
    access: "developer",
    scope: "app",
    tag,
    summary: "Runs the compiled draft once",
    params: appParams,
    body: invokeRequest,
    response: invokeFrame,
    stream: true,
  },
  igniteListVersions: {
    method: "GET",
    path: `${path}/versions`,
    access: "viewer",
    scope: "app",
    tag,
    summary: "Versions, newest first",
    params: appParams,
    query: page,
    response: z.object({ versions: z.array(versionItem), nextCursor }),
  },
  igniteGetVersion: {
    method: "GET",
    path: `${path}/versions/:version`,
    access: "viewer",
    scope: "app",
    tag,
    summary: "The app as it was published",
    params: versionParams,
    response: appMeta,
  },
  igniteTestVersion: {
    method: "POST",
    path: `${path}/versions/:version/test`,
    access: "developer",
    scope: "app",
    tag,
    summary: "Runs a version once",
    params: versionParams,
    body: invokeRequest,
    response: invokeFrame,
    stream: true,
  },
  igniteRollback: {
    method: "POST",
    path: `${path}/rollback`,
    access: "developer",
    scope: "app",
    tag,
    summary: "Makes an earlier version the active one without building",
    params: appParams,
    body: z.strictObject({ version: versionNumber }),
    response: z.object({ activeVersion: z.number().int() }),
  },
  igniteGetCode: {
    method: "GET",
    path: `${path}/code/versions/:version`,
    access: "developer",
    scope: "app",
    tag,
    summary: "The source of a version as it was given",
    params: versionParams,
    response: codeAnswer,
  },
  igniteGetAppCode: {
    method: "GET",
    path: `${path}/code`,
    access: "developer",
    scope: "app",
    tag,
    summary: "The source of the active version, or of the draft: version 0",
    params: appParams,
    query: z.object({ version: z.coerce.number().int().min(0).optional() }),
    response: codeAnswer,
  },
});
