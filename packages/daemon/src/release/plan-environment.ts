import type { AppConfig } from "@bloomery/contract";

/** The facts of one release that its processes are told. */
export interface EnvironmentFacts {
  readonly org: string;
  readonly app: string;
  readonly environment: string;
  readonly tree: string;
  readonly version: number;
  readonly config: AppConfig;
  /** Set by the owner at app level, then at environment level (which wins). */
  readonly appVariables: Readonly<Record<string, string>>;
  readonly environmentVariables: Readonly<Record<string, string>>;
}

/**
 * The environment of a running process, lowest precedence first: defaults, the manifest's variables, the
 * app's, the environment's, and the platform's own, which nobody can override. PORT comes from the engine.
 */
export function planEnvironment(facts: EnvironmentFacts): Readonly<Record<string, string>> {
  return Object.freeze({
    PATH: "/app/bin:/usr/local/bin:/usr/bin:/bin",
    HOME: "/tmp",
    LANG: "C.UTF-8",
    TZ: "UTC",
    ...facts.config.variables,
    ...facts.appVariables,
    ...facts.environmentVariables,
    PLATFORM_APP_DIR: "/app",
    PLATFORM_APPLICATION_NAME: facts.config.name,
    PLATFORM_APP_COMMAND: facts.config.web.start,
    PLATFORM_BRANCH: facts.environment,
    PLATFORM_ENVIRONMENT: facts.environment,
    PLATFORM_ENVIRONMENT_TYPE: facts.environment === "main" ? "production" : "development",
    PLATFORM_PROJECT: `${facts.org}-${facts.app}`,
    PLATFORM_TREE_ID: facts.tree,
    BLOOM_APP: facts.app,
    BLOOM_ORG: facts.org,
    BLOOM_VERSION: String(facts.version),
  });
}
