import type {
  BuildState,
  DeploymentKind,
  DeploymentState,
  DesiredState,
  ExecutionKind,
  ExecutionState,
  InstanceState,
  Role,
} from "@bloomery/contract";
import type { Generated, Kysely } from "kysely";

/**
 * The tables as Kysely sees them: camelCase here, snake_case in the database (CamelCasePlugin).
 * Every time is ISO-8601 UTC text with milliseconds, every flag 0 or 1, every `Json` column JSON text;
 * the noun files turn rows into what the rest of the daemon works with.
 */
export interface Database {
  orgs: { id: string; name: string; createdAt: string };
  tokens: TokensTable;
  apps: {
    id: string;
    orgId: string;
    name: string;
    slot: number;
    projectId: string | null;
    projectEntropy: string | null;
    createdAt: string;
  };
  environments: EnvironmentsTable;
  builds: BuildsTable;
  versions: VersionsTable;
  releases: {
    id: string;
    environmentId: string;
    number: number;
    versionId: string;
    variables: string;
    createdAt: string;
  };
  deployments: DeploymentsTable;
  variables: VariablesTable;
  activities: ActivitiesTable;
  locks: { name: string; holder: Json; daemon: string; acquiredAt: string };
  instances: InstancesTable;
  settings: { key: string; value: Json };
  /** What an app's owner said of a function besides its code. */
  functions: { appId: string; settings: Json; createdAt: string; updatedAt: string };
  drafts: DraftsTable;
  executions: ExecutionsTable;
  /** How far files that something is read from have been read. */
  cursors: { name: string; position: Json };
  /** One row per thing that must be done by one transaction at a time and has no parent row to lock. */
  turns: { name: string };
}

/** JSON text. */
type Json = string;
type Flag = 0 | 1;

interface TokensTable {
  id: string;
  orgId: string | null;
  appId: string | null;
  role: Role;
  name: string;
  hash: string;
  createdAt: string;
  lastUsedAt: string | null;
  expiresAt: string | null;
}

interface EnvironmentsTable {
  id: string;
  appId: string;
  name: string;
  slot: number;
  desired: DesiredState;
  replicas: Json;
  liveReleaseId: string | null;
  hookedVersionId: string | null;
  createdAt: string;
}

interface BuildsTable {
  id: string;
  appId: string;
  number: number;
  key: string;
  tree: string;
  state: BuildState;
  artifact: string | null;
  toolchain: string | null;
  stats: Json | null;
  error: Json | null;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
}

interface VersionsTable {
  id: string;
  appId: string;
  number: number;
  buildId: string;
  artifact: string;
  tree: string;
  config: Json;
  /** Of functions: what their code was compiled with and from. */
  facts: Json | null;
  /** Numbers; null: nobody has looked, or needs to. */
  foundPorts: Json | null;
  createdAt: string;
  createdBy: string;
}

/** The one mutable slot of a function. */
interface DraftsTable {
  appId: string;
  status: DraftState;
  /** The code as it was given. */
  tree: string;
  /** Runtime, dependencies and schemas as they were given with it. */
  wishes: Json;
  /** Of the last compile. */
  buildId: string | null;
  artifact: string | null;
  /** What the artifact was compiled with, frozen as a version's. */
  config: Json | null;
  facts: Json | null;
  error: Json | null;
  savedAt: string;
  compiledAt: string | null;
}

export type DraftState = "saved" | "compiling" | "compiled" | "failed" | "published";

/** Microseconds and bytes. */
interface ExecutionsTable {
  /** Order of creation, as in deployments. */
  seq: Generated<number>;
  id: string;
  environmentId: string;
  kind: ExecutionKind;
  state: ExecutionState;
  /** 0: a draft. */
  version: number;
  instanceId: string | null;
  httpStatus: number | null;
  cold: Flag;
  /** Of how many. */
  attempt: Generated<number>;
  attempts: Generated<number>;
  queueUs: number;
  startUs: number;
  runUs: number;
  requestBytes: number;
  responseBytes: number;
  error: string | null;
  /** Where the request is kept, for a queue or a replay. */
  request: string | null;
  replayOf: string | null;
  createdAt: string;
  finishedAt: string | null;
  /** Not to be tried again before. */
  dueAt: string | null;
}

interface DeploymentsTable {
  /** Order of creation: two deployments may carry the same millisecond. */
  seq: Generated<number>;
  id: string;
  environmentId: string;
  kind: DeploymentKind;
  state: DeploymentState;
  tree: string | null;
  buildId: string | null;
  versionId: string | null;
  releaseId: string | null;
  previousReleaseId: string | null;
  error: Json | null;
  timings: Json | null;
  createdBy: string;
  createdAt: string;
  finishedAt: string | null;
}

interface VariablesTable {
  id: string;
  appId: string;
  environmentId: string | null;
  name: string;
  value: string;
  sensitive: Flag;
  json: Flag;
  visibleBuild: Flag;
  visibleRuntime: Flag;
  createdAt: string;
  updatedAt: string;
}

interface ActivitiesTable {
  /** Order of creation, as in deployments. */
  seq: Generated<number>;
  id: string;
  orgId: string | null;
  appId: string | null;
  environment: string | null;
  type: string;
  state: BuildState;
  actor: string;
  description: string;
  parameters: Json;
  deploymentId: string | null;
  createdAt: string;
  finishedAt: string | null;
  error: Json | null;
}

interface InstancesTable {
  id: string;
  environmentId: string;
  releaseId: string;
  role: string;
  replica: number;
  state: InstanceState;
  address: string | null;
  createdAt: string;
  endedAt: string | null;
}

/** A database, or a transaction in it. */
export type Db = Kysely<Database>;
