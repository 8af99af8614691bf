import { accessErrors } from "./access.js";
import { deployErrors } from "./deploy.js";
import { edgeErrors } from "./edge.js";
import { invocationErrors } from "./invocations.js";
import { platformErrors } from "./platform.js";
import { projectErrors } from "./project.js";

export type { ErrorEntry } from "./entry.js";

/** Exit codes that scripts may rely on. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  unauthenticated: 3,
  forbidden: 4,
  notFound: 5,
  conflict: 6,
  limit: 7,
  deadline: 8,
  unreachable: 9,
  internal: 10,
  buildFailed: 11,
  notReady: 12,
  interrupted: 130,
} as const;

/** All error codes, grouped by area. A code is never renamed once released. */
export const errorCatalog = {
  ...accessErrors,
  ...platformErrors,
  ...projectErrors,
  ...deployErrors,
  ...edgeErrors,
  ...invocationErrors,
} as const;

export type ErrorCode = keyof typeof errorCatalog;
