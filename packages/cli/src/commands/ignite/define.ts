import type { Command } from "../../command.js";
import { igniteFlags } from "./flags.js";

type Spec = Omit<Command, "group" | "common">;

/** A verb for functions: `bloom app create`, and the same below `ignite`. */
export function defineVerb(spec: Spec): Command {
  const { also = [] } = spec;
  return {
    ...spec,
    group: "Functions",
    also: [...also, ...[spec.name, ...also].map((name) => `ignite ${name}`)],
    common: igniteFlags,
  };
}

/** A verb that is found below `ignite` only: elsewhere its name is another's. */
export function defineIgniteVerb(spec: Spec): Command {
  const { also } = spec;
  return {
    ...spec,
    name: `ignite ${spec.name}`,
    group: "Functions",
    ...(also === undefined ? {} : { also: also.map((name) => `ignite ${name}`) }),
    common: igniteFlags,
  };
}
