import { newId } from "@bloomery/contract";
import { now, toFlag } from "./rows.js";
import type { Database, Db } from "./schema.js";
import { insertOf } from "./store-errors.js";
import { inTransaction, lockApp } from "./take-turns.js";

export interface Variable {
  readonly id: string;
  readonly appId: string;
  /** Null: of every environment of the app. */
  readonly environmentId: string | null;
  readonly name: string;
  /** Sealed by the caller; the store does not look inside. */
  readonly value: string;
  readonly sensitive: boolean;
  /** The value is JSON. */
  readonly json: boolean;
  readonly visibleBuild: boolean;
  readonly visibleRuntime: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** What identifies a variable. */
export interface VariableKey {
  readonly appId: string;
  readonly environmentId: string | null;
  readonly name: string;
}

export interface NewVariable extends VariableKey {
  readonly value: string;
  /** What was sensitive once stays so: it was promised that nobody reads it. */
  readonly sensitive: boolean;
  /** False when absent. */
  readonly json?: boolean;
  /** When absent: as it is, and false for a new one. */
  readonly visibleBuild?: boolean | undefined;
  /** When absent: as it is, and true for a new one. */
  readonly visibleRuntime?: boolean | undefined;
}

export type Variables = ReturnType<typeof createVariables>;

export function createVariables(db: Db) {
  return Object.freeze({
    /** Makes the variable or replaces its value and flags. Throws ERR_NOT_FOUND when app or environment are gone. */
    set(variable: NewVariable): Promise<Variable> {
      const { appId, environmentId, name, value } = variable;
      return inTransaction(db, async (tx) => {
        // The lock makes "update, else insert" safe without an upsert, which cannot name two partial indexes.
        await lockApp(tx, appId);
        const current = await find(tx, variable);
        const change = {
          value,
          sensitive: toFlag(variable.sensitive || current?.sensitive === 1),
          json: toFlag(variable.json ?? false),
          visibleBuild: toFlag(variable.visibleBuild ?? current?.visibleBuild === 1),
          visibleRuntime: toFlag(variable.visibleRuntime ?? current?.visibleRuntime !== 0),
          updatedAt: now(),
        };
        if (current !== undefined) {
          await tx.updateTable("variables").set(change).where("id", "=", current.id).execute();
          return toVariable({ ...current, ...change });
        }
        const row = {
          id: newId("variable"),
          appId,
          environmentId,
          name,
          ...change,
          createdAt: change.updatedAt,
        };
        await insertOf(`the variable ${name}`, () => tx.insertInto("variables").values(row).execute());
        return toVariable(row);
      });
    },

    /** Of exactly this level. */
    async get(key: VariableKey): Promise<Variable | undefined> {
      const row = await find(db, key);
      return row && toVariable(row);
    },

    /** By name, of exactly one level: the app's own when `environmentId` is null. */
    async list({ appId, environmentId }: Omit<VariableKey, "name">): Promise<Variable[]> {
      const rows = await ofLevel(db, appId, environmentId).orderBy("name").execute();
      return rows.map(toVariable);
    },

    /** False when there was none. */
    async remove(key: VariableKey): Promise<boolean> {
      const row = await find(db, key);
      if (row === undefined) return false;
      const result = await db.deleteFrom("variables").where("id", "=", row.id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  });
}

function ofLevel(db: Db, appId: string, environmentId: string | null) {
  const query = db.selectFrom("variables").selectAll().where("appId", "=", appId);
  return environmentId === null
    ? query.where("environmentId", "is", null)
    : query.where("environmentId", "=", environmentId);
}

function find(
  db: Db,
  { appId, environmentId, name }: VariableKey,
): Promise<Database["variables"] | undefined> {
  return ofLevel(db, appId, environmentId).where("name", "=", name).executeTakeFirst();
}

function toVariable(row: Database["variables"]): Variable {
  return Object.freeze({
    ...row,
    sensitive: row.sensitive === 1,
    json: row.json === 1,
    visibleBuild: row.visibleBuild === 1,
    visibleRuntime: row.visibleRuntime === 1,
  });
}
