import { z } from "zod";
import { done, environmentParams, timestamp } from "./common.js";
import { defineRoutes } from "./route.js";

/** One open connection of an app. */
export const connectionView = z.object({
  /** Names it for as long as it is open. */
  id: z.string(),
  /** The client's address and port; null for connections of the platform's own, and where nobody knows any more. */
  peer: z.string().nullable(),
  /** The port it came to. */
  port: z.number().int(),
  version: z.number().int().nullable(),
  release: z.number().int().nullable(),
  instance: z.string().nullable(),
  /** `draining`: its instance gets no new connections any more. */
  state: z.enum(["open", "draining"]),
  since: timestamp.nullable(),
  ageSeconds: z.number().int().nullable(),
  /** From and to the client, as it has sent and acknowledged them. */
  bytesIn: z.number().int(),
  bytesOut: z.number().int(),
});
export type ConnectionView = z.infer<typeof connectionView>;

export const connectionList = z.object({
  /** Oldest first. */
  connections: z.array(connectionView),
  /** Open connections of which nothing but their number is known. */
  unlisted: z.number().int(),
  /** What cannot be known of this app's connections, in words. */
  notes: z.array(z.string()),
});
export type ConnectionList = z.infer<typeof connectionList>;

/** First line of a `connect` request's body; the lines after it are `connectInput`s. */
export const connectOrder = z.strictObject({
  /** The port clients use, or the one the app listens on; absent: its only one. */
  port: z.number().int().min(1).max(65_535).optional(),
});
export type ConnectOrder = z.infer<typeof connectOrder>;

/** `stdin` is base64; an empty text, like the body's end, ends what is sent and leaves the answer open. */
export const connectInput = z.strictObject({ stdin: z.base64() });
export type ConnectInput = z.infer<typeof connectInput>;

/** `data` is base64; the stream ends after `end`, which comes when the app has sent all it has. */
export const connectOutput = z.discriminatedUnion("type", [
  /** Null where the app is reached by a socket without a port. */
  z.object({ type: z.literal("connected"), port: z.number().int().nullable() }),
  z.object({ type: z.literal("data"), data: z.base64() }),
  z.object({ type: z.literal("end") }),
]);
export type ConnectOutput = z.infer<typeof connectOutput>;

export const connectionRoutes = defineRoutes({
  listConnections: {
    method: "GET",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/connections",
    access: "viewer",
    scope: "app",
    tag: "connections",
    summary: "Who is connected to the app, to which version, since when, and how much was sent",
    params: environmentParams,
    response: connectionList,
  },
  closeConnection: {
    method: "DELETE",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/connections/:connection",
    access: "developer",
    scope: "app",
    tag: "connections",
    summary: "Ends one open connection; its client sees it broken off",
    params: environmentParams.extend({ connection: z.string().min(1).max(128) }),
    response: done,
  },
  connectToApp: {
    method: "POST",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/connect",
    access: "developer",
    scope: "app",
    tag: "connections",
    summary:
      "Connects to one of the app's ports, also one that is not public; body and answer are NDJSON and flow at the same time",
    params: environmentParams,
    rawBody: "application/x-ndjson",
    response: connectOutput,
    stream: true,
  },
});
