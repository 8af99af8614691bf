import { BloomError, type ApiRoutes, type AppRef, type RouteResult } from "@bloomery/contract";
import type { Context } from "../../command.js";
import type { Settings } from "./app-settings.js";

/** Makes a function; the platform makes its organization, too, for whoever may do everything. */
export async function createFunction(
  context: Context,
  { org, app }: AppRef,
  settings: Settings,
): Promise<RouteResult<ApiRoutes["igniteCreateApp"]>> {
  try {
    return await context
      .client()
      .call("igniteCreateApp", { params: { org }, body: { ...settings, name: app } });
  } catch (error) {
    if (!(error instanceof BloomError) || error.code !== "ERR_NOT_FOUND") throw error;
    const near = error.hint?.startsWith("Did you mean") === true ? `${error.hint} ` : "";
    throw new BloomError(error.code, error.message, {
      hint: `${near}An admin makes it with \`bloom org create ${org}\`; --org, IGNITE_ORG_NAME or \`dodil ignite config set org_id\` chooses another.`,
      cause: error,
    });
  }
}
