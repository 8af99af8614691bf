import type { AppConfig } from "@bloomery/contract";
import { encodeDocument, planBuildDocument } from "../config/platform-documents.js";
import type { Identity } from "./identity.js";
import { splitVariables, type OwnVariables } from "./split-variables.js";

/**
 * What a build sees besides cargo's settings and its folders. No fact of an environment is among them: programs
 * take the absence of PLATFORM_ENVIRONMENT for "this is a build", and one artifact serves every environment.
 */
export function planBuildVariables(
  config: AppConfig,
  own: OwnVariables,
  identity: Identity,
): Readonly<Record<string, string>> {
  const { env, platform } = splitVariables(config, own);
  return Object.freeze({
    ...env,
    PLATFORM_APPLICATION: encodeDocument(planBuildDocument(config.document)),
    PLATFORM_PROJECT: identity.projectId,
    PLATFORM_PROJECT_ENTROPY: identity.entropy,
    PLATFORM_VARIABLES: encodeDocument(platform),
    PLATFORM_VENDOR: "bloomery",
  });
}
