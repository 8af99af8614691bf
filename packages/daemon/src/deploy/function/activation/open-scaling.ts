import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { FunctionConfig } from "@bloomery/contract";
import type { Scaling, ScalingParts } from "../../activation/ports.js";
import type { Pressure } from "../ports.js";
import { createAutoscale } from "./autoscale.js";
import { watchIdle } from "./watch-idle.js";

/** A function has what its requests need: more instances while some wait, fewer when fewer would do. */
export function openFunctionScaling(
  parts: ScalingParts & { readonly logFolder: (instance: string) => string },
): Scaling & { press(environmentId: string, pressure: Pressure): void } {
  const configOf = (id: string): FunctionConfig | undefined => parts.configOf(id)?.function ?? undefined;
  const idle = watchIdle({
    ...{ ...parts, configOf },
    lastWritten: async (id) => {
      const written = await stat(join(parts.logFolder(id), "executions.log")).catch(() => undefined);
      return written?.mtimeMs;
    },
  });
  const autoscale = createAutoscale({ ...parts, configOf, onStrain: idle.strain });
  return { ...idle, press: autoscale.press };
}
