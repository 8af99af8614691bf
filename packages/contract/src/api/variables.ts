import { z } from "zod";
import { variableKey } from "../names.js";
import { environmentParams, timestamp } from "./common.js";
import { deploymentView } from "./deployments.js";
import { defineRoutes } from "./route.js";

/** Whose a variable is: the environment's comes before the app's, and that before the manifest's. */
export const variableLevel = z.enum(["app", "environment", "manifest"]);
export type VariableLevel = z.infer<typeof variableLevel>;

export const variableView = z.object({
  /** `NAME` or `prefix:name`. */
  name: z.string(),
  /** Null for sensitive ones: they can be written, never read. */
  value: z.string().nullable(),
  sensitive: z.boolean(),
  /** The value is JSON, and arrives as such where variables have types. */
  json: z.boolean(),
  visibleBuild: z.boolean(),
  visibleRuntime: z.boolean(),
  level: variableLevel,
  /** Another level has the same name and comes first, so this one has no effect. */
  overridden: z.boolean(),
  updatedAt: timestamp.nullable(),
});
export type VariableView = z.infer<typeof variableView>;

export const variableRoutes = defineRoutes({
  listVariables: {
    method: "GET",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/variables",
    access: "viewer",
    scope: "app",
    tag: "variables",
    summary: "The environment's variables; sensitive values are never shown",
    params: environmentParams,
    response: z.object({ variables: z.array(variableView) }),
  },
  changeVariables: {
    method: "PATCH",
    path: "/v1/orgs/:org/apps/:app/environments/:environment/variables",
    access: "developer",
    scope: "app",
    tag: "variables",
    summary:
      "Sets and removes variables, leaving all others; then makes a release and replaces the instances",
    params: environmentParams,
    body: z.object({
      /** Where they are set and removed. */
      level: z.enum(["app", "environment"]).default("environment"),
      set: z
        .record(
          variableKey,
          z.string().max(131_072, "a value may have at most 131072 bytes; put larger ones into a file"),
        )
        .default({}),
      unset: z.array(variableKey).default([]),
      /** Flags of those that are set. */
      sensitive: z.boolean().default(false),
      json: z.boolean().default(false),
      /** Absent: as it is, and false for new ones. A change rebuilds at the next deployment. */
      visibleBuild: z.boolean().optional(),
      /** Absent: as it is, and true for new ones. */
      visibleRuntime: z.boolean().optional(),
      /** False: the change waits for the next deployment. */
      apply: z.boolean().default(true),
    }),
    response: z.object({ variables: z.array(variableView), deployment: deploymentView.nullable() }),
  },
});
