import { BloomError, type ApiRoutes, type AppRef, type RouteResult } from "@bloomery/contract";
import type { Context } from "../../command.js";
import type { Settings } from "./app-settings.js";

/** Makes a function. An organization that is not there is not made by the way: that is an admin's. */
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
    throw new BloomError(error.code, error.message, {
      hint: `\`bloom org create ${org}\` makes the organization; --org, IGNITE_ORG_NAME or \`dodil ignite config set org_id\` chooses another.`,
      cause: error,
    });
  }
}
