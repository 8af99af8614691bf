import {
  completeConfig,
  newId,
  withFoundPorts,
  type AppConfig,
  type ignite,
  type PartialConfig,
} from "@bloomery/contract";
import { defaultLimit, type Page } from "./page.js";
import { freezeDeep, fromJson, now, toJson } from "./rows.js";
import type { Database, Db } from "./schema.js";
import { insertOf } from "./store-errors.js";
import { inTransaction, lockApp } from "./take-turns.js";

export interface Version {
  readonly id: string;
  readonly appId: string;
  /** From 1, per app. */
  readonly number: number;
  readonly buildId: string;
  readonly artifact: string;
  readonly tree: string;
  /** What it runs with: as it was written, with the ports it was found to listen on. */
  readonly config: AppConfig;
  readonly written: AppConfig;
  /** Null for every shape but functions. */
  readonly facts: FunctionFacts | null;
  readonly createdAt: string;
  readonly createdBy: string;
}

/** What the code of a function was compiled from and with. */
export interface FunctionFacts {
  /** Of the code as it was given, in hexadecimal digits. */
  readonly codeHash: string;
  readonly sdk: string;
  readonly toolchain: string;
  /** What the platform added to the manifest, in words. */
  readonly added: readonly string[];
  /** What was said together with the code, of versions that were a draft. */
  readonly wishes?: DraftWishes;
}

/** What was said together with the code. */
export interface DraftWishes {
  readonly runtime: ignite.RuntimeSource | null;
  readonly dependencies: readonly string[];
  /** Texts of JSON Schemas. */
  readonly inputSchema: string | null;
  readonly outputSchema: string | null;
}

export interface NewVersion {
  readonly appId: string;
  readonly buildId: string;
  readonly artifact: string;
  readonly tree: string;
  readonly config: AppConfig;
  readonly facts?: FunctionFacts | null;
  readonly createdBy: string;
}

/** So many are read at a time: more would keep all others waiting, and a thousand texts in memory. */
const together = 50;

export type Versions = ReturnType<typeof createVersions>;

/** Versions never change; what is found out about one is noted once. */
export function createVersions(db: Db) {
  return Object.freeze({
    /** The app's next version. Throws ERR_NOT_FOUND when the app or the build does not exist. */
    create(version: NewVersion): Promise<Version> {
      return inTransaction(db, async (tx) => {
        await lockApp(tx, version.appId);
        const { last } = await tx
          .selectFrom("versions")
          .select((is) => is.fn.max("number").as("last"))
          .where("appId", "=", version.appId)
          .executeTakeFirstOrThrow();
        const { appId, buildId, artifact, tree, facts = null, createdBy } = version;
        const row: Database["versions"] = {
          ...{ id: newId("version"), appId, number: (last ?? 0) + 1, buildId, artifact, tree },
          ...{
            config: toJson(version.config),
            facts: toJson(facts),
            foundPorts: null,
            createdAt: now(),
            createdBy,
          },
        };
        await insertOf(`version ${row.number}`, () => tx.insertInto("versions").values(row).execute());
        return toVersion(row);
      });
    },

    /** The ports an app listens on whose manifest names none. Only the first note counts: it is what was made live. */
    async noteFoundPorts(id: string, ports: readonly number[]): Promise<void> {
      await db
        .updateTable("versions")
        .set({ foundPorts: toJson(ports) })
        .where("id", "=", id)
        .where("foundPorts", "is", null)
        .execute();
    },

    async get(id: string): Promise<Version | undefined> {
      const row = await db.selectFrom("versions").selectAll().where("id", "=", id).executeTakeFirst();
      return row && toVersion(row);
    },

    /** Those of them that exist, in any order. */
    async getAll(ids: readonly string[]): Promise<Version[]> {
      const found: Version[] = [];
      for (let index = 0; index < ids.length; index += together) {
        const some = ids.slice(index, index + together);
        const rows = await db.selectFrom("versions").selectAll().where("id", "in", some).execute();
        found.push(...rows.map(toVersion));
      }
      return found;
    },

    async getByNumber(appId: string, number: number): Promise<Version | undefined> {
      const row = await db
        .selectFrom("versions")
        .selectAll()
        .where("appId", "=", appId)
        .where("number", "=", number)
        .executeTakeFirst();
      return row && toVersion(row);
    },

    /** Newest first; `before` is a version number. */
    async list({
      appId,
      limit = defaultLimit,
      before,
    }: Page<number> & { readonly appId: string }): Promise<Version[]> {
      let query = db
        .selectFrom("versions")
        .selectAll()
        .where("appId", "=", appId)
        .orderBy("number", "desc")
        .limit(limit);
      if (before !== undefined) query = query.where("number", "<", before);
      return (await query.execute()).map(toVersion);
    },

    /** Digests that some version of any app needs: what the artifact store must keep. */
    async listArtifacts(): Promise<string[]> {
      const rows = await db
        .selectFrom("versions")
        .select("artifact")
        .distinct()
        .orderBy("artifact")
        .execute();
      return rows.map((row) => row.artifact);
    },
  });
}

function toVersion(row: Database["versions"]): Version {
  const { foundPorts, ...rest } = row;
  // Versions are kept for ever: those of an older daemon lack what came later.
  const written = freezeDeep(completeConfig(fromJson<PartialConfig>(row.config)));
  return Object.freeze({
    ...rest,
    written,
    config: freezeDeep(withFoundPorts(written, fromJson<readonly number[]>(foundPorts))),
    facts: fromJson<FunctionFacts>(row.facts),
  });
}
