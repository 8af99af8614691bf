import type { RouteExplanation } from "@bloomery/contract";
import { explainRoute, type ExplainFacts } from "../route/explain-route.js";
import { lookUpFile } from "./look-up-file.js";

/** How nginx would answer, with the files that are there now. */
export function explainRequest(
  facts: ExplainFacts,
  request: { readonly url: string; readonly method: string },
): Promise<RouteExplanation> {
  return explainRoute(facts, request, async (path) => lookUpFile(facts, path));
}
