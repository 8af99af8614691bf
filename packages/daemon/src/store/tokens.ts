import { newId, type Role } from "@bloomery/contract";
import { now } from "./rows.js";
import type { Db } from "./schema.js";
import { insertOf } from "./store-errors.js";

export interface Token {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** Null: every organization. */
  readonly orgId: string | null;
  readonly orgName: string | null;
  /** Null: every app of the organization. */
  readonly appId: string | null;
  readonly appName: string | null;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
  readonly expiresAt: string | null;
}

export interface NewToken {
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the secret in hexadecimal; the secret itself is never stored. */
  readonly hash: string;
  readonly orgId?: string | null;
  readonly appId?: string | null;
  readonly expiresAt?: string | null;
}

export type Tokens = ReturnType<typeof createTokens>;

export function createTokens(db: Db) {
  const select = () =>
    db
      .selectFrom("tokens")
      .leftJoin("orgs", "orgs.id", "tokens.orgId")
      .leftJoin("apps", "apps.id", "tokens.appId")
      .select(["tokens.id", "tokens.name", "role", "tokens.orgId", "orgs.name as orgName", "appId"])
      .select(["apps.name as appName", "tokens.createdAt", "lastUsedAt", "expiresAt"]);

  return Object.freeze({
    /** Throws ERR_ALREADY_EXISTS when a token with this hash exists, ERR_NOT_FOUND when org or app do not. */
    async create(token: NewToken): Promise<Token> {
      const { name, role, hash, orgId = null, appId = null, expiresAt = null } = token;
      const id = newId("token");
      const row = { id, name, role, hash, orgId, appId, createdAt: now(), lastUsedAt: null, expiresAt };
      await insertOf(`the token ${name}`, () => db.insertInto("tokens").values(row).execute());
      return Object.freeze(await select().where("tokens.id", "=", id).executeTakeFirstOrThrow());
    },

    async get(id: string): Promise<Token | undefined> {
      const row = await select().where("tokens.id", "=", id).executeTakeFirst();
      return row && Object.freeze(row);
    },

    /** The token whose secret has this hash, unless it has expired at `at` (ISO time, now when absent). */
    async getValid(hash: string, at: string = now()): Promise<Token | undefined> {
      const row = await select()
        .where("tokens.hash", "=", hash)
        .where((is) => is.or([is("expiresAt", "is", null), is("expiresAt", ">", at)]))
        .executeTakeFirst();
      return row && Object.freeze(row);
    },

    /** Oldest first, expired ones too. */
    async list(): Promise<Token[]> {
      const rows = await select().orderBy("tokens.createdAt").orderBy("tokens.id").execute();
      return rows.map((row) => Object.freeze(row));
    },

    async count(): Promise<number> {
      const row = await db
        .selectFrom("tokens")
        .select((is) => is.fn.countAll().as("count"))
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },

    /** Notes that the token was used. */
    async touch(id: string, at: string = now()): Promise<void> {
      await db.updateTable("tokens").set({ lastUsedAt: at }).where("id", "=", id).execute();
    },

    /** False when there was none. */
    async remove(id: string): Promise<boolean> {
      const result = await db.deleteFrom("tokens").where("id", "=", id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  });
}
