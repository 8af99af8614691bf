import { z } from "zod";
import { errorCatalog, type ErrorCode } from "../errors/index.js";
import { appName, environmentName, orgName } from "../names.js";

/** ISO-8601, UTC, milliseconds. */
export const timestamp = z.iso.datetime();

export const errorCode = z.enum(Object.keys(errorCatalog) as [ErrorCode, ...ErrorCode[]]);

export const errorDocument = z.object({
  code: errorCode,
  message: z.string(),
  hint: z.string().optional(),
  where: z
    .object({
      file: z.string().optional(),
      line: z.number().int().optional(),
      column: z.number().int().optional(),
      path: z.string().optional(),
    })
    .optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});

/** Every answer with a status of 400 or more has this body. */
export const errorAnswer = z.object({ error: errorDocument });

export const orgParams = z.object({ org: orgName });
export const appParams = z.object({ org: orgName, app: appName });
export const environmentParams = appParams.extend({ environment: environmentName });

/** One port that clients of a tcp app connect to. */
export const tcpAddress = z.object({
  /** `127.0.0.1:7878`. */
  address: z.string(),
  port: z.number().int(),
  /** The port the app listens on. */
  targetPort: z.number().int(),
  /** Whether clients speak TLS. */
  tls: z.boolean(),
});
export type TcpAddress = z.infer<typeof tcpAddress>;

/** Query numbers arrive as text. */
export const limitQuery = z.coerce.number().int().min(1).max(1000);

export const done = z.object({ ok: z.literal(true) });
