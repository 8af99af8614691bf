import { sql, type CreateTableBuilder, type Kysely, type Migration } from "kysely";
import type { StoreKind } from "../store-kind.js";

/** The first tables. `Kysely<unknown>`: a migration must not follow later changes of the schema's types. */
export function createGround(kind: StoreKind): Migration {
  return {
    async up(db: Kysely<unknown>): Promise<void> {
      await createOwners(db);
      await createProducts(db);
      await createAttempts(db, kind);
      await createRecords(db, kind);
      await createPlatform(db);
      await createIndexes(db);
    },
  };
}

type AnyTable = CreateTableBuilder<string>;

function table(db: Kysely<unknown>, name: string): AnyTable {
  return db.schema.createTable(name).addColumn("id", "text", (c) => c.primaryKey());
}

/** A table whose rows are counted in the order of their creation; the id stays what others refer to. */
function sequenced(db: Kysely<unknown>, name: string, kind: StoreKind): AnyTable {
  const created = db.schema.createTable(name);
  const counted =
    kind === "postgres"
      ? created.addColumn("seq", "serial", (c) => c.primaryKey())
      : created.addColumn("seq", "integer", (c) => c.primaryKey().autoIncrement());
  return counted.addColumn("id", "text", (c) => c.notNull().unique());
}

async function createOwners(db: Kysely<unknown>): Promise<void> {
  await table(db, "orgs")
    .addColumn("name", "text", (c) => c.notNull().unique())
    .addColumn("created_at", "text", (c) => c.notNull())
    .execute();
  await table(db, "apps")
    .addColumn("org_id", "text", (c) => c.notNull().references("orgs.id"))
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("slot", "integer", (c) => c.notNull().unique())
    .addColumn("created_at", "text", (c) => c.notNull())
    .addUniqueConstraint("apps_org_name", ["org_id", "name"])
    .execute();
  await table(db, "tokens")
    .addColumn("org_id", "text", (c) => c.references("orgs.id").onDelete("cascade"))
    .addColumn("app_id", "text", (c) => c.references("apps.id").onDelete("cascade"))
    .addColumn("role", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("hash", "text", (c) => c.notNull().unique())
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("last_used_at", "text")
    .addColumn("expires_at", "text")
    .execute();
  await table(db, "environments")
    .addColumn("app_id", "text", (c) => c.notNull().references("apps.id").onDelete("cascade"))
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("slot", "integer", (c) => c.notNull().unique())
    .addColumn("desired", "text", (c) => c.notNull())
    .addColumn("replicas", "text", (c) => c.notNull())
    // No foreign key: releases refer to environments already, and a circle cannot be made in one statement.
    .addColumn("live_release_id", "text")
    .addColumn("created_at", "text", (c) => c.notNull())
    .addUniqueConstraint("environments_app_name", ["app_id", "name"])
    .execute();
}

async function createProducts(db: Kysely<unknown>): Promise<void> {
  await table(db, "builds")
    .addColumn("app_id", "text", (c) => c.notNull().references("apps.id").onDelete("cascade"))
    .addColumn("number", "integer", (c) => c.notNull())
    .addColumn("key", "text", (c) => c.notNull())
    .addColumn("tree", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("artifact", "text")
    .addColumn("toolchain", "text")
    .addColumn("stats", "text")
    .addColumn("error", "text")
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("started_at", "text")
    .addColumn("finished_at", "text")
    .addUniqueConstraint("builds_app_number", ["app_id", "number"])
    .execute();
  await table(db, "versions")
    .addColumn("app_id", "text", (c) => c.notNull().references("apps.id").onDelete("cascade"))
    .addColumn("number", "integer", (c) => c.notNull())
    .addColumn("build_id", "text", (c) => c.notNull().references("builds.id"))
    .addColumn("artifact", "text", (c) => c.notNull())
    .addColumn("tree", "text", (c) => c.notNull())
    .addColumn("config", "text", (c) => c.notNull())
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("created_by", "text", (c) => c.notNull())
    .addUniqueConstraint("versions_app_number", ["app_id", "number"])
    .execute();
  await table(db, "releases")
    .addColumn("environment_id", "text", (c) => c.notNull().references("environments.id").onDelete("cascade"))
    .addColumn("number", "integer", (c) => c.notNull())
    .addColumn("version_id", "text", (c) => c.notNull().references("versions.id"))
    .addColumn("variables", "text", (c) => c.notNull())
    .addColumn("created_at", "text", (c) => c.notNull())
    .addUniqueConstraint("releases_environment_number", ["environment_id", "number"])
    .execute();
}

async function createAttempts(db: Kysely<unknown>, kind: StoreKind): Promise<void> {
  await sequenced(db, "deployments", kind)
    .addColumn("environment_id", "text", (c) => c.notNull().references("environments.id").onDelete("cascade"))
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("tree", "text")
    .addColumn("build_id", "text", (c) => c.references("builds.id"))
    .addColumn("version_id", "text", (c) => c.references("versions.id"))
    .addColumn("release_id", "text", (c) => c.references("releases.id"))
    .addColumn("previous_release_id", "text", (c) => c.references("releases.id"))
    .addColumn("error", "text")
    .addColumn("timings", "text")
    .addColumn("created_by", "text", (c) => c.notNull())
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("finished_at", "text")
    .execute();
  await table(db, "instances")
    .addColumn("environment_id", "text", (c) => c.notNull().references("environments.id").onDelete("cascade"))
    .addColumn("release_id", "text", (c) => c.notNull().references("releases.id"))
    .addColumn("role", "text", (c) => c.notNull())
    .addColumn("replica", "integer", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("address", "text")
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("ended_at", "text")
    .execute();
}

async function createRecords(db: Kysely<unknown>, kind: StoreKind): Promise<void> {
  await table(db, "variables")
    .addColumn("app_id", "text", (c) => c.notNull().references("apps.id").onDelete("cascade"))
    .addColumn("environment_id", "text", (c) => c.references("environments.id").onDelete("cascade"))
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("value", "text", (c) => c.notNull())
    .addColumn("sensitive", "integer", (c) => c.notNull())
    .addColumn("visible_build", "integer", (c) => c.notNull())
    .addColumn("visible_runtime", "integer", (c) => c.notNull())
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("updated_at", "text", (c) => c.notNull())
    .execute();
  // No foreign keys: what was done stays on record when its app is gone.
  await sequenced(db, "activities", kind)
    .addColumn("org_id", "text")
    .addColumn("app_id", "text")
    .addColumn("environment", "text")
    .addColumn("type", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("actor", "text", (c) => c.notNull())
    .addColumn("description", "text", (c) => c.notNull())
    .addColumn("parameters", "text", (c) => c.notNull())
    .addColumn("deployment_id", "text")
    .addColumn("created_at", "text", (c) => c.notNull())
    .addColumn("finished_at", "text")
    .addColumn("error", "text")
    .execute();
}

async function createPlatform(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("locks")
    .addColumn("name", "text", (c) => c.primaryKey())
    .addColumn("holder", "text", (c) => c.notNull())
    .addColumn("daemon", "text", (c) => c.notNull())
    .addColumn("acquired_at", "text", (c) => c.notNull())
    .execute();
  await db.schema
    .createTable("settings")
    .addColumn("key", "text", (c) => c.primaryKey())
    .addColumn("value", "text", (c) => c.notNull())
    .execute();
  await db.schema
    .createTable("turns")
    .addColumn("name", "text", (c) => c.primaryKey())
    .execute();
  await sql`insert into turns (name) values ('app-slot'), ('environment-slot')`.execute(db);
}

async function createIndexes(db: Kysely<unknown>): Promise<void> {
  // Two, because null counts as different from null in a unique index over both columns.
  await sql`create unique index variables_app_name on variables (app_id, name) where environment_id is null`.execute(
    db,
  );
  await sql`create unique index variables_environment_name on variables (environment_id, name)
    where environment_id is not null`.execute(db);
  await sql`create index builds_app_key on builds (app_id, key)`.execute(db);
  await sql`create index versions_build on versions (build_id)`.execute(db);
  await sql`create index releases_version on releases (version_id)`.execute(db);
  await sql`create index deployments_environment on deployments (environment_id, seq)`.execute(db);
  await sql`create index deployments_release on deployments (release_id)`.execute(db);
  await sql`create index deployments_unfinished on deployments (state) where finished_at is null`.execute(db);
  await sql`create index instances_environment on instances (environment_id, ended_at)`.execute(db);
  await sql`create index instances_release on instances (release_id)`.execute(db);
  await sql`create index activities_app on activities (app_id, seq)`.execute(db);
  await sql`create index activities_unfinished on activities (state) where finished_at is null`.execute(db);
}
