import type { AppConfig, OutboundRule, Problem } from "@bloomery/contract";
import { manifestProblem } from "./manifest-file.js";
import { parseOutbound } from "./parse-outbound.js";
import type { ProjectParts } from "./parts.js";

interface Resolved extends Pick<AppConfig, "network" | "outbound"> {
  readonly problems: readonly Problem[];
}

/** Where instances may connect to. `usual` holds when nothing is written; a list of places asks for the outside. */
export function resolveNetwork({ toml }: ProjectParts, usual: AppConfig["network"]): Resolved {
  const { network, outbound: written } = toml.data.run ?? {};
  if (written === undefined) return { network: network ?? usual, outbound: null, problems: [] };
  const problems: Problem[] = [];
  const refuse = (message: string, at: number | null): void => {
    const path = at === null ? ["run", "outbound"] : ["run", "outbound", at];
    problems.push(manifestProblem(toml, "error", path, message, at === null ? "key" : "value"));
  };
  if (network === "none" || network === "host") {
    const says = network === "none" ? "nothing is reached" : "everything is reached that the host reaches";
    refuse(`with network = "${network}" ${says}, whatever is listed here; remove one of the two`, null);
  }
  if (written.length === 0)
    refuse('an empty list lets nothing through; write network = "none" instead', null);
  const outbound: OutboundRule[] = [];
  for (const [at, text] of written.entries()) {
    const rule = parseOutbound(text);
    if ("wrong" in rule) refuse(rule.wrong, at);
    else outbound.push(rule);
  }
  return { network: "outbound", outbound, problems };
}
