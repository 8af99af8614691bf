import { plainVariableKey } from "@bloomery/contract";
import type { Secrets } from "../../release/secrets.js";
import type { StoreNouns } from "../../store/open-store.js";
import { assertOwnNames } from "../variable-names.js";

/** Name → value; null takes one away. */
export type EnvPatch = Readonly<Record<string, string | null>>;

/** Throws ERR_INVALID_ARGUMENT for names that cannot be set. */
export function assertEnv(patch: EnvPatch): void {
  assertOwnNames(Object.keys(patch).map(plainVariableKey));
}

/**
 * Merges the patch into the app's own run-time variables. One that was secret stays so: it was promised that nobody
 * reads it. Taking away what is not there is no mistake.
 */
export async function changeEnv(
  { variables }: Pick<StoreNouns, "variables">,
  secrets: Pick<Secrets, "seal">,
  appId: string,
  patch: EnvPatch,
): Promise<void> {
  for (const [written, value] of Object.entries(patch)) {
    const key = { appId, environmentId: null, name: plainVariableKey(written) };
    if (value === null) await variables.remove(key);
    else await variables.set({ ...key, value: secrets.seal(value), sensitive: false });
  }
}
