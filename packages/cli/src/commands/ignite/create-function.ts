import { BloomError, type ApiRoutes, type AppRef, type RouteResult } from "@bloomery/contract";
import type { Context } from "../../command.js";
import type { Settings } from "./app-settings.js";
import { nameOf } from "./function-ref.js";

/** Makes a function; its organization, too, when that is not there and the caller may make one. */
export async function createFunction(
  context: Context,
  ref: AppRef,
  settings: Settings,
): Promise<RouteResult<ApiRoutes["igniteCreateApp"]>> {
  const create = (): Promise<RouteResult<ApiRoutes["igniteCreateApp"]>> =>
    context
      .client()
      .call("igniteCreateApp", { params: { org: ref.org }, body: { ...settings, name: ref.app } });
  try {
    return await create();
  } catch (error) {
    if (!(error instanceof BloomError) || error.code !== "ERR_NOT_FOUND") throw error;
    await createOrganization(context, ref, error);
  }
  return create();
}

/** Throws `missing` where the name looks like a slip, or the caller may not make organizations. */
async function createOrganization(context: Context, ref: AppRef, missing: BloomError): Promise<void> {
  const { org } = ref;
  // The daemon knows one of nearly the same name.
  if (missing.hint?.startsWith("Did you mean") === true) throw missing;
  try {
    await context.client().call("createOrg", { body: { name: org } });
  } catch (error) {
    if (error instanceof BloomError && error.code === "ERR_ALREADY_EXISTS") return;
    if (!(error instanceof BloomError) || error.code !== "ERR_FORBIDDEN") throw error;
    throw new BloomError(missing.code, missing.message, {
      hint: `\`bloom org create ${org}\` makes the organization, which your token may not; --org, IGNITE_ORG_NAME or \`dodil ignite config set org_id\` chooses another.`,
      cause: missing,
    });
  }
  context.output.say(`the organization ${org} is made for ${nameOf(ref)}`);
}
