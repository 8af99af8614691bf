import type { JsonValue } from "@bloomery/contract";
import { planRouteDocument, type EnvironmentFacts } from "./plan-environment.js";

/**
 * The text of /run/config.json, for programs that want more than variables can say. It holds no variables: they may be
 * secret, and this is a file.
 */
export function planRuntimeDocument(facts: Omit<EnvironmentFacts, "own" | "identity">): string {
  const { config } = facts;
  const { memoryBytes, cpu, pids, tmpBytes } = config.limits;
  const megabytes = (bytes: number): number => Math.floor(bytes / 1024 ** 2);
  const document: JsonValue = {
    application: { ...config.document },
    info: {
      name: config.name,
      limits: {
        memory: megabytes(memoryBytes),
        cpu,
        pids,
        tmp: megabytes(tmpBytes),
        disk: config.diskMb,
      },
    },
    relationships: {},
    routes: planRouteDocument(facts),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
