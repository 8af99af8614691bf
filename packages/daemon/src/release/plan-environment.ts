import { createHash } from "node:crypto";
import { defaultEnvironment, type AppConfig, type JsonValue } from "@bloomery/contract";
import { encodeApplication, encodeDocument } from "../config/platform-documents.js";
import type { Identity } from "./identity.js";
import { splitVariables, type OwnVariables } from "./split-variables.js";

/** The facts of one release that its processes are told. */
export interface EnvironmentFacts {
  readonly org: string;
  readonly app: string;
  readonly environment: string;
  readonly tree: string;
  readonly version: number;
  readonly config: AppConfig;
  readonly own: OwnVariables;
  readonly identity: Identity;
  /** Where a browser finds the environment, with a slash at the end. */
  readonly url: string;
}

/**
 * The environment of a running process, lowest precedence first: defaults, the manifest's variables, the
 * app's, the environment's, and the platform's own, which nobody can override. PORT or SOCKET comes from the
 * engine. What belongs to builds only (CI, PLATFORM_CACHE_DIR …) is not among them.
 */
export function planEnvironment(facts: EnvironmentFacts): Readonly<Record<string, string>> {
  const { config, environment, identity } = facts;
  const { env, platform } = splitVariables(config, facts.own);
  return Object.freeze({
    PATH: "/app/bin:/usr/local/bin:/usr/bin:/bin",
    HOME: "/tmp",
    LANG: "C.UTF-8",
    TZ: "UTC",
    ...env,
    PLATFORM_APP_DIR: "/app",
    PLATFORM_APPLICATION: encodeApplication(config.document),
    PLATFORM_APPLICATION_NAME: config.name,
    PLATFORM_APP_COMMAND: config.web.start,
    ...whenSet("PLATFORM_PRE_APP_COMMAND", config.web.preStart),
    ...whenSet("PLATFORM_POST_APP_COMMAND", config.web.postStart),
    PLATFORM_BRANCH: environment,
    ...whenSet("PLATFORM_DOCUMENT_ROOT", documentRoot(config)),
    PLATFORM_ENVIRONMENT: machineName(environment),
    PLATFORM_ENVIRONMENT_TYPE: environmentType(environment),
    PLATFORM_PROJECT: identity.projectId,
    PLATFORM_PROJECT_ENTROPY: identity.entropy,
    PLATFORM_RELATIONSHIPS: encodeDocument({}),
    PLATFORM_ROUTES: encodeDocument(planRouteDocument(facts)),
    // Mail is not sent: present and empty says so.
    PLATFORM_SMTP_HOST: "",
    PLATFORM_TREE_ID: facts.tree,
    PLATFORM_VARIABLES: encodeDocument(platform),
    BLOOM_APP: facts.app,
    BLOOM_ORG: facts.org,
    BLOOM_VERSION: String(facts.version),
  });
}

/** The routes by their address: one for now, the environment's own. */
export function planRouteDocument({
  app,
  url,
  config,
}: Pick<EnvironmentFacts, "app" | "url" | "config">): Record<string, JsonValue> {
  // No browser finds a tcp app.
  if (config.tcp !== null) return {};
  return {
    [url]: {
      primary: true,
      id: null,
      attributes: {},
      type: "upstream",
      upstream: app,
      original_url: `${new URL(url).protocol}//{default}/`,
    },
  };
}

/** The environment's name with a hash of it: the same name gives the same text everywhere. */
export function machineName(environment: string): string {
  const hash = BigInt(`0x${createHash("sha256").update(environment).digest("hex")}`);
  return `${environment}-${hash.toString(36).slice(0, 7)}`;
}

function environmentType(environment: string): "production" | "staging" | "development" {
  if (environment === defaultEnvironment) return "production";
  return environment === "staging" ? "staging" : "development";
}

function documentRoot(config: AppConfig): string | null {
  const root = config.web.locations["/"]?.root ?? null;
  if (root === null) return null;
  return root === "" ? "/app" : `/app/${root}`;
}

function whenSet(name: string, value: string | null): Record<string, string> {
  return value === null ? {} : { [name]: value };
}
