import type { AppConfig, FunctionConfig } from "@bloomery/contract";
import { assertSchema } from "../../config/json-schema.js";
import type { RouteTarget } from "../../route/plan-routes.js";
import { authorityPath } from "./authority.js";
import { gatePath } from "./gate/gate-path.js";

/** Throws ERR_SCHEMA_INVALID before a version with a schema that nothing can be held against goes live. */
export function assertSchemas({ function: own }: Pick<AppConfig, "function">): void {
  if (own === null) return;
  if (own.inputSchema !== null) assertSchema(own.inputSchema, "input");
  if (own.outputSchema !== null) assertSchema(own.outputSchema, "output");
}

/** What nginx is told of an app's shape. `folder` has the sockets nginx uses. */
export function planShapeFor(edge: { readonly folder: string; readonly asksAuthority: boolean }) {
  const accessOf = ({
    allowUnauthenticated,
  }: FunctionConfig): NonNullable<RouteTarget["function"]>["access"] => {
    if (allowUnauthenticated) return { kind: "anyone" };
    return edge.asksAuthority
      ? { kind: "bearer", authority: authorityPath(edge.folder) }
      : { kind: "refused" };
  };
  return (one: {
    readonly slot: number;
    readonly config: AppConfig;
  }): Pick<RouteTarget, "shape" | "function"> => {
    const { shape, function: own } = one.config;
    if (own === null) return { shape, function: null };
    const hasSchema = own.inputSchema !== null || own.outputSchema !== null;
    const gate = hasSchema
      ? { socket: gatePath(edge.folder, one), answers: own.outputSchema !== null }
      : null;
    return { shape, function: { access: accessOf(own), timeoutSeconds: own.timeoutSeconds, gate } };
  };
}
