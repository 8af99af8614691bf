import { BloomError, defaultOrg, parseAppRef, type AppRef } from "@bloomery/contract";
import type { Context } from "../../command.js";

/** The function that a word names: `app`, `org:app`, or `org/app` as answers spell it. Throws ERR_INVALID_NAME. */
export function parseFunction(context: Pick<Context, "settings">, word: string): AppRef {
  return parseAppRef(word.includes(":") ? word : word.replace("/", ":"), context.settings.org);
}

/** The function that the first argument names. Throws ERR_INVALID_NAME. */
export function functionOf(context: Context): AppRef {
  return parseFunction(context, context.args[0] ?? "");
}

/** `org:app`, always with the organization: which one is meant without it depends on settings. */
export function nameOf({ org, app }: AppRef): string {
  return `${org}:${app}`;
}

/**
 * Makes calls about a function. When it is not there but one of its name is where functions are made without an
 * organization, the error says so.
 */
export async function aboutFunction<T>(context: Context, ref: AppRef, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof BloomError) || error.code !== "ERR_NOT_FOUND") throw error;
    throw (await explainMissing(context, ref, error).catch(() => undefined)) ?? error;
  }
}

/** Undefined when the function is there, so that something else of it is missing, or nothing near is known. */
async function explainMissing(
  context: Context,
  ref: AppRef,
  error: BloomError,
): Promise<BloomError | undefined> {
  if (await exists(context, ref)) return undefined;
  const orgs = new Set([context.settings.org, defaultOrg]);
  for (const org of orgs) {
    const other = { org, app: ref.app };
    if (org === ref.org || !(await exists(context, other))) continue;
    return new BloomError(error.code, error.message, {
      hint: `There is ${nameOf(other)}: name that, or choose the organization of functions that are named without one with \`dodil ignite config set org_id ${ref.org}\` and create it there.`,
      ...(error.details === undefined ? {} : { details: error.details }),
      cause: error,
    });
  }
  return undefined;
}

export async function exists(context: Context, ref: AppRef): Promise<boolean> {
  try {
    await context.client().call("igniteGetApp", { params: ref });
    return true;
  } catch (error) {
    if (error instanceof BloomError && error.code === "ERR_NOT_FOUND") return false;
    throw error;
  }
}
