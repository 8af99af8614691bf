import { isDeepStrictEqual } from "node:util";
import { completeConfig, type AppConfig, type ErrorDocument } from "@bloomery/contract";
import { freezeDeep, fromErrorJson, fromJson, now, toJson } from "./rows.js";
import type { Database, Db, DraftState } from "./schema.js";
import { insertOf } from "./store-errors.js";
import { inTransaction, lockApp } from "./take-turns.js";
import type { DraftWishes, FunctionFacts } from "./versions.js";

/** The one mutable slot of a function. */
export interface Draft {
  readonly appId: string;
  readonly status: DraftState;
  readonly tree: string;
  readonly wishes: DraftWishes;
  /** Of the last compile of this code. */
  readonly buildId: string | null;
  /** Of the compile when it succeeded, with what it was compiled with. */
  readonly artifact: string | null;
  readonly config: AppConfig | null;
  readonly facts: FunctionFacts | null;
  readonly error: ErrorDocument | null;
  readonly savedAt: string;
  readonly compiledAt: string | null;
}

/** How a compile ended. */
export type CompileEnd =
  | {
      readonly ok: true;
      readonly artifact: string;
      readonly config: AppConfig;
      readonly facts: FunctionFacts;
    }
  | { readonly ok: false; readonly error: ErrorDocument };

export type Drafts = ReturnType<typeof createDrafts>;

const nothingCompiled = {
  ...{ buildId: null, artifact: null, config: null, facts: null, error: null, compiledAt: null },
} as const;

export function createDrafts(db: Db) {
  async function find(on: Db, appId: string): Promise<Database["drafts"] | undefined> {
    return on.selectFrom("drafts").selectAll().where("appId", "=", appId).executeTakeFirst();
  }

  /** Changes the draft if `fits` still holds, so that nothing is said of code that was replaced meanwhile. */
  const change = (
    appId: string,
    fits: (row: Database["drafts"]) => boolean,
    set: Partial<Database["drafts"]>,
  ): Promise<Draft | undefined> =>
    inTransaction(db, async (tx) => {
      await lockApp(tx, appId);
      const row = await find(tx, appId);
      if (row === undefined || !fits(row)) return undefined;
      await tx.updateTable("drafts").set(set).where("appId", "=", appId).execute();
      return toDraft({ ...row, ...set });
    });

  return Object.freeze({
    /**
     * Overwrites the draft. What was compiled of the same code with the same wishes stays, also a compile that is
     * under way. Throws ERR_NOT_FOUND when the app is gone.
     */
    save(appId: string, code: { readonly tree: string; readonly wishes: DraftWishes }): Promise<Draft> {
      return inTransaction(db, async (tx) => {
        await lockApp(tx, appId);
        const found = await find(tx, appId);
        const own = { tree: code.tree, wishes: toJson(code.wishes), savedAt: now() };
        if (found === undefined) {
          const row: Database["drafts"] = { appId, status: "saved", ...own, ...nothingCompiled };
          await insertOf("the draft", () => tx.insertInto("drafts").values(row).execute());
          return toDraft(row);
        }
        const set =
          isSameCode(found, code) && found.status !== "failed"
            ? { savedAt: own.savedAt }
            : { ...own, ...nothingCompiled, status: "saved" as const };
        await tx.updateTable("drafts").set(set).where("appId", "=", appId).execute();
        return toDraft({ ...found, ...set });
      });
    },

    async get(appId: string): Promise<Draft | undefined> {
      const row = await find(db, appId);
      return row && toDraft(row);
    },

    /** All that there are: what they name must be kept. */
    async list(): Promise<Draft[]> {
      return (await db.selectFrom("drafts").selectAll().orderBy("appId").execute()).map(toDraft);
    },

    /** Undefined when another code was saved since, or a compile of it is under way. */
    beginCompile(seen: Draft, buildId: string): Promise<Draft | undefined> {
      return change(seen.appId, (row) => row.status !== "compiling" && isSameCode(row, seen), {
        ...nothingCompiled,
        status: "compiling",
        buildId,
      });
    },

    /** Undefined when another code was saved meanwhile: then the end says nothing of the draft. */
    endCompile(appId: string, buildId: string, end: CompileEnd): Promise<Draft | undefined> {
      const set = end.ok
        ? { artifact: end.artifact, config: toJson(end.config), facts: toJson(end.facts), error: null }
        : { artifact: null, config: null, facts: null, error: toJson(end.error) };
      return change(appId, (row) => row.status === "compiling" && row.buildId === buildId, {
        ...set,
        status: end.ok ? "compiled" : "failed",
        compiledAt: now(),
      });
    },

    /** Undefined when something else is there by now. */
    markPublished(appId: string, buildId: string): Promise<Draft | undefined> {
      return change(appId, (row) => row.status === "compiled" && row.buildId === buildId, {
        status: "published",
      });
    },

    /** Marks what was being compiled as failed, because its daemon is gone. */
    async failUnfinished(error: ErrorDocument): Promise<void> {
      const set = { status: "failed", error: toJson(error) } as const;
      await db.updateTable("drafts").set(set).where("status", "=", "compiling").execute();
    },
  });
}

function isSameCode(
  row: Database["drafts"],
  { tree, wishes }: { readonly tree: string; readonly wishes: DraftWishes },
): boolean {
  return row.tree === tree && isDeepStrictEqual(fromJson(row.wishes), wishes);
}

function toDraft(row: Database["drafts"]): Draft {
  const config = fromJson<AppConfig>(row.config);
  return Object.freeze({
    ...row,
    wishes: fromJson<DraftWishes>(row.wishes),
    // An older daemon may have written it.
    config: config === null ? null : freezeDeep(completeConfig(config)),
    facts: fromJson<FunctionFacts>(row.facts),
    error: fromErrorJson(row.error),
  });
}
