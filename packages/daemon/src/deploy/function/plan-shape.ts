import type { AppConfig, FunctionConfig } from "@bloomery/contract";
import type { RouteTarget } from "../../route/plan-routes.js";
import { authorityPath } from "./authority.js";
import { gatePath } from "./gate/gate-path.js";

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
