import { z } from "zod";
import { BloomError } from "./error.js";

/** The default organization and environment. */
export const defaultOrg = "local";
export const defaultEnvironment = "main";

const label = /^[a-z](?:-?[a-z0-9])*$/;

/**
 * The one grammar of names: lowercase letters, digits and single hyphens, beginning with a letter.
 * `--` is kept free because host names use it between environment and app.
 */
function nameSchema(what: string, max: number) {
  return z
    .string()
    .min(1, `${what} must not be empty`)
    .max(max, `${what} may have at most ${max} characters`)
    .regex(label, `${what} must be lowercase letters, digits and single hyphens, starting with a letter`);
}

// <env>--<app>-<org> is one DNS label of at most 63 characters: 16 + 2 + 28 + 1 + 16.
export const appName = nameSchema("an app name", 28);
export const orgName = nameSchema("an organization name", 16);
export const environmentName = nameSchema("an environment name", 16);
export const roleName = nameSchema("a role name", 20);
export const variableName = z
  .string()
  .max(128)
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    "a variable name must be letters, digits and underscores, not starting with a digit",
  );

/**
 * How a variable is named where it is set: `NAME` is an environment variable, `env:name` one in capitals,
 * `prefix:name` is found in PLATFORM_VARIABLES only.
 */
export const variableKey = z
  .string()
  .max(256)
  .regex(
    /^(?:(?:env:)?[A-Za-z_][A-Za-z0-9_]*|(?!env:)[A-Za-z][A-Za-z0-9_.-]*:[A-Za-z0-9_][A-Za-z0-9_.:-]*)$/,
    "a variable must be `NAME`, `env:NAME` or `prefix:name`",
  );

/** The name a variable is kept by: `env:name` is the environment variable NAME, in capitals as in a manifest's `env`. */
export function plainVariableKey(key: string): string {
  return key.startsWith("env:") ? key.slice("env:".length).toUpperCase() : key;
}

/** An app as users write it: `app` or `org:app`. */
export interface AppRef {
  readonly org: string;
  readonly app: string;
}

/** Reads `app` or `org:app`. Throws ERR_INVALID_NAME. */
export function parseAppRef(text: string, fallbackOrg: string = defaultOrg): AppRef {
  const parts = text.split(":");
  if (parts.length > 2) throw invalidName(text, "an app is written `app` or `org:app`");
  const app = parts.at(-1) ?? "";
  const org = parts.length === 2 ? (parts[0] ?? "") : fallbackOrg;
  const problem = firstProblem(orgName, org) ?? firstProblem(appName, app);
  if (problem !== undefined) throw invalidName(text, problem);
  return { org, app };
}

/** `app` in the default org, `org:app` elsewhere. */
export function formatAppRef(ref: AppRef): string {
  return ref.org === defaultOrg ? ref.app : `${ref.org}:${ref.app}`;
}

/** The host name an environment is served under, without the port. */
export function hostNameOf(ref: AppRef, environment: string, baseDomain = "localhost"): string {
  const prefix = environment === defaultEnvironment ? "" : `${environment}--`;
  return `${prefix}${ref.app}-${ref.org}.${baseDomain}`;
}

/** The nearest legal app name to any text (a folder's name, a crate's name). */
export function suggestAppName(text: string): string {
  const cleaned = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, 28)
    .replace(/-+$/, "");
  return cleaned === "" ? "app" : cleaned;
}

function firstProblem(schema: z.ZodType<string>, text: string): string | undefined {
  const result = schema.safeParse(text);
  return result.success ? undefined : result.error.issues[0]?.message;
}

function invalidName(text: string, problem: string): BloomError {
  return new BloomError("ERR_INVALID_NAME", `\`${text}\` is not a valid name: ${problem}`);
}
