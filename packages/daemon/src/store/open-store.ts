import { BloomError } from "@bloomery/contract";
import { CamelCasePlugin, Kysely, type Dialect } from "kysely";
import { createActivities, type Activities } from "./activities.js";
import { createApps, type Apps } from "./apps.js";
import { createBuilds, type Builds } from "./builds.js";
import { createCursors, type Cursors } from "./cursors.js";
import { createDeployments, type Deployments } from "./deployments.js";
import { createDrafts, type Drafts } from "./drafts.js";
import { createEnvironments, type Environments } from "./environments.js";
import { createExecutionQueue, type ExecutionQueue } from "./execution-queue.js";
import { createExecutions, type Executions } from "./executions.js";
import { createFunctions, type Functions } from "./functions.js";
import { createInstances, type Instances } from "./instances.js";
import { createLocks, type Locks } from "./locks.js";
import { migrateStore } from "./migrate.js";
import { createOrgs, type Orgs } from "./orgs.js";
import { openPostgres, redactUrl, type StoreLog } from "./postgres-dialect.js";
import { createReleases, type Releases } from "./releases.js";
import type { Database, Db } from "./schema.js";
import { createSettings, type Settings } from "./settings.js";
import { openSqlite } from "./sqlite-dialect.js";
import type { StoreKind } from "./store-kind.js";
import { codeOf } from "./store-errors.js";
import { createTokens, type Tokens } from "./tokens.js";
import { createVariables, type Variables } from "./variables.js";
import { createVersions, type Versions } from "./versions.js";

/** A database somebody else has opened; the store closes it. */
export interface StoreDialect {
  readonly kind: StoreKind;
  readonly dialect: Dialect;
}

export interface OpenStoreOptions {
  /** `sqlite:/path/bloom.db`, `sqlite::memory:`, `postgres://…` (or `postgresql://…`), or an opened dialect. */
  readonly url: string | StoreDialect;
  readonly log?: StoreLog;
}

/** One sub-object per noun. */
export interface StoreNouns {
  readonly orgs: Orgs;
  readonly tokens: Tokens;
  readonly apps: Apps;
  readonly environments: Environments;
  readonly builds: Builds;
  readonly versions: Versions;
  readonly releases: Releases;
  readonly deployments: Deployments;
  readonly variables: Variables;
  readonly activities: Activities;
  readonly locks: Locks;
  readonly instances: Instances;
  readonly settings: Settings;
  readonly executionQueue: ExecutionQueue;
  readonly executions: Executions;
  readonly cursors: Cursors;
  readonly functions: Functions;
  readonly drafts: Drafts;
}

export interface Store extends StoreNouns {
  readonly kind: StoreKind;
  /**
   * All or nothing: when `work` throws, nothing it did remains. Inside, use only the nouns it is given: the
   * outer store would wait for this very transaction. A database error ends the transaction on PostgreSQL, so
   * do not catch one and go on.
   */
  transaction<T>(work: (nouns: StoreNouns) => Promise<T>): Promise<T>;
  /** Harmless when called again. */
  close(): Promise<void>;
}

/**
 * Opens the database and migrates it to this release.
 * Throws ERR_STORE_DAMAGED when its own check fails, ERR_STORE_OPEN when it cannot be opened or reached, ERR_STORE_TOO_NEW when a newer release migrated it.
 */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const { kind, dialect, name } = await openDialect(options);
  const raw = new Kysely<Database>({ dialect });
  try {
    await migrateStore(raw, kind);
  } catch (error) {
    await raw.destroy();
    throw asOpenError(name, error);
  }
  const db = raw.withPlugin(new CamelCasePlugin());
  let closing: Promise<void> | undefined;
  return Object.freeze({
    kind,
    ...createNouns(db),
    transaction: <T>(work: (nouns: StoreNouns) => Promise<T>) =>
      db.transaction().execute((tx) => work(Object.freeze(createNouns(tx)))),
    close: () => (closing ??= raw.destroy()),
  });
}

function createNouns(db: Db): StoreNouns {
  return {
    orgs: createOrgs(db),
    tokens: createTokens(db),
    apps: createApps(db),
    environments: createEnvironments(db),
    builds: createBuilds(db),
    versions: createVersions(db),
    releases: createReleases(db),
    deployments: createDeployments(db),
    variables: createVariables(db),
    activities: createActivities(db),
    locks: createLocks(db),
    instances: createInstances(db),
    settings: createSettings(db),
    executionQueue: createExecutionQueue(db),
    executions: createExecutions(db),
    cursors: createCursors(db),
    functions: createFunctions(db),
    drafts: createDrafts(db),
  };
}

async function openDialect({
  url,
  log,
}: OpenStoreOptions): Promise<StoreDialect & { readonly name: string }> {
  if (typeof url !== "string") return { ...url, name: "the database" };
  if (/^postgres(ql)?:\/\//.test(url)) {
    return { kind: "postgres", dialect: await openPostgres(url, log), name: redactUrl(url) };
  }
  const path = /^sqlite:(.+)$/.exec(url)?.[1];
  if (path === undefined) {
    throw new BloomError("ERR_STORE_OPEN", "a database URL must begin with `sqlite:` or `postgres://`");
  }
  try {
    return { kind: "sqlite", dialect: await openSqlite(path), name: path };
  } catch (error) {
    throw asOpenError(path, error);
  }
}

function asOpenError(name: string, cause: unknown): BloomError {
  if (cause instanceof BloomError && cause.code === "ERR_STORE_DAMAGED") {
    return new BloomError(cause.code, `${name}: ${cause.message}`, { cause });
  }
  if (cause instanceof BloomError) return cause;
  // A refused connection to several addresses has no message of its own, only a code.
  const reason = (cause instanceof Error && cause.message) || codeOf(cause) || "unknown reason";
  return new BloomError("ERR_STORE_OPEN", `cannot open ${name}: ${reason}`, { cause });
}
