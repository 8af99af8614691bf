import { readFile, writeFile } from "node:fs/promises";
import type { Store } from "../store/open-store.js";
import { hashSecret, newSecret } from "./caller.js";

/**
 * Makes sure that `admin.token` in the home holds a valid token. The file is the way in for whoever may read
 * it; the database knows only its hash.
 */
export async function ensureAdminToken(store: Store, file: string): Promise<void> {
  const present = (await readFile(file, "utf8").catch(() => "")).trim();
  if (present !== "" && (await store.tokens.getValid(hashSecret(present))) !== undefined) return;
  const secret = newSecret();
  await store.tokens.create({ name: "admin", role: "admin", hash: hashSecret(secret) });
  await writeFile(file, `${secret}\n`, { mode: 0o600 });
}
