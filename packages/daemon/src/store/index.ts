export {
  openStore,
  type OpenStoreOptions,
  type Store,
  type StoreDialect,
  type StoreNouns,
} from "./open-store.js";
export type { StoreLog } from "./postgres-dialect.js";
export type { StoreKind } from "./store-kind.js";
export type { Page } from "./page.js";
export type { Activity, ActivityPage, ActivityPatch, NewActivity } from "./activities.js";
export type { App, NewApp } from "./apps.js";
export type { Build, BuildPatch, NewBuild } from "./builds.js";
export type { Deployment, DeploymentPage, DeploymentPatch, NewDeployment } from "./deployments.js";
export type { CompileEnd, Draft } from "./drafts.js";
export type { Environment, EnvironmentPatch, NewEnvironment } from "./environments.js";
export type { Execution, ExecutionFilter, NewExecution } from "./executions.js";
export type { FinishedExecution } from "./take-in-executions.js";
export type { FunctionRow } from "./functions.js";
export type { Instance, InstancePatch, NewInstance } from "./instances.js";
export type { Lock, LockHolder, LockResult } from "./locks.js";
export type { Org } from "./orgs.js";
export type { NewRelease, Release } from "./releases.js";
export type { NewToken, Token } from "./tokens.js";
export type { NewVariable, Variable, VariableKey } from "./variables.js";
export type { DraftWishes, FunctionFacts, NewVersion, Version } from "./versions.js";
