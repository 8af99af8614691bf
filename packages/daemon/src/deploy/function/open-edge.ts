import type { RoutedEnvironment } from "../edge.js";
import { authorityPath, openAuthority, type AuthorityOptions } from "./authority.js";
import { openGates, type GatesOptions } from "./gate/gates.js";

/** What the daemon does for functions between nginx and their instances. */
export interface FunctionEdge {
  /** Puts routes in force with the gates they lead to. */
  applyRoutes(served: readonly RoutedEnvironment[]): Promise<void>;
  close(): Promise<void>;
}

export async function openFunctionEdge(
  parts: Omit<AuthorityOptions, "path"> &
    GatesOptions & { readonly applyRoutes: (served: readonly RoutedEnvironment[]) => Promise<void> },
): Promise<FunctionEdge> {
  const gates = await openGates(parts);
  const authority = await openAuthority({ ...parts, path: authorityPath(parts.folder) });
  return {
    async applyRoutes(served) {
      const closeOthers = await gates.follow(served);
      await parts.applyRoutes(served);
      await closeOthers();
    },
    async close() {
      await authority.close();
      await gates.close();
    },
  };
}
