import { z } from "zod";
import { appParams } from "../api/common.js";
import { defineRoutes } from "../api/route.js";
import { executionView, invokeAsyncRequest, invokeFrame, invokeRequest } from "./execution.js";
import { int64Text, versionNumber } from "./json.js";
import { appPath as path, nextCursor, page, tag } from "./route-parts.js";

const executionParams = z.object({ execution: z.string().max(64) });

/** Calls, and the records of calls. */
export const igniteExecutionRoutes = defineRoutes({
  igniteInvoke: {
    method: "POST",
    path: `${path}/invoke`,
    access: "viewer",
    scope: "app",
    tag,
    summary: "Calls the active version; the answer comes in frames",
    params: appParams,
    body: invokeRequest,
    response: invokeFrame,
    stream: true,
  },
  igniteInvokeAsync: {
    method: "POST",
    path: `${path}/invoke-async`,
    access: "viewer",
    scope: "app",
    tag,
    summary: "Queues a call and answers at once",
    params: appParams,
    body: invokeAsyncRequest,
    response: z.object({ executionId: z.string() }),
  },
  igniteListExecutions: {
    method: "GET",
    path: `${path}/executions`,
    access: "viewer",
    scope: "app",
    tag,
    summary: "Executions, newest first",
    params: appParams,
    query: page.extend({
      status: executionView.shape.status.optional(),
      kind: executionView.shape.kind.optional(),
      version: z.coerce.number().int().min(0).optional(),
      /** Only those whose error has this text. */
      search: z.string().max(256).optional(),
      sinceMs: z.coerce.number().int().min(0).optional(),
    }),
    response: z.object({ executions: z.array(executionView), nextCursor }),
  },
  igniteGetExecution: {
    method: "GET",
    path: "/v1/ignite/executions/:execution",
    access: "viewer",
    scope: "platform",
    tag,
    summary: "One execution",
    params: executionParams,
    response: executionView,
  },
  igniteWatchExecution: {
    method: "GET",
    path: "/v1/ignite/executions/:execution/watch",
    access: "viewer",
    scope: "platform",
    tag,
    summary: "An execution each time it changes, until it has ended",
    params: executionParams,
    response: executionView,
    stream: true,
  },
  igniteCancelExecution: {
    method: "POST",
    path: "/v1/ignite/executions/:execution/cancel",
    access: "developer",
    scope: "record",
    tag,
    summary: "Takes an execution out of the queue, or ends it",
    params: executionParams,
    response: executionView,
  },
  igniteReplayExecution: {
    method: "POST",
    path: "/v1/ignite/executions/:execution/replay",
    access: "developer",
    scope: "record",
    tag,
    summary: "Calls the function again with the payload of an execution, where it was kept",
    params: executionParams,
    body: z.strictObject({ version: versionNumber.optional() }),
    response: z.object({ executionId: z.string() }),
  },
  igniteExecutionStats: {
    method: "GET",
    path: `${path}/stats/executions`,
    access: "viewer",
    scope: "app",
    tag,
    summary: "How many executions ended how",
    params: appParams,
    response: z.object({ counts: z.record(z.string(), int64Text), cold: int64Text }),
  },
});
