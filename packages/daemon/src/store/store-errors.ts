import { BloomError } from "@bloomery/contract";

/**
 * Runs an insert and says in words what collided. Throws ERR_ALREADY_EXISTS for a unique violation and
 * ERR_NOT_FOUND when the parent row is gone (an app deleted while a deployment of it ran).
 */
export async function insertOf<T>(what: string, insert: () => Promise<T>): Promise<T> {
  try {
    return await insert();
  } catch (cause) {
    const kind = violationOf(cause);
    if (kind === "unique") throw new BloomError("ERR_ALREADY_EXISTS", `${what} exists already`, { cause });
    if (kind === "parent") {
      throw new BloomError("ERR_NOT_FOUND", `${what} belongs to something that does not exist any more`, {
        cause,
      });
    }
    throw cause;
  }
}

/** The database's name for what went wrong: SQLSTATE or SQLite's own. Undefined when it gave none. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}

function violationOf(thrown: unknown): "unique" | "parent" | undefined {
  switch (codeOf(thrown)) {
    case "23505":
    case "SQLITE_CONSTRAINT_UNIQUE":
    case "SQLITE_CONSTRAINT_PRIMARYKEY":
      return "unique";
    case "23503":
    case "SQLITE_CONSTRAINT_FOREIGNKEY":
      return "parent";
    default:
      return undefined;
  }
}
