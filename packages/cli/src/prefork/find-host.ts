import { accessSync, constants, statSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { BloomError } from "@bloomery/contract";

/** The program that serves: named by BLOOM_PREFORK, of this installation, or one on the PATH. Null: there is none. */
export function lookUpHost(env: NodeJS.ProcessEnv): string | null {
  const named = env["BLOOM_PREFORK"];
  if (named !== undefined && named !== "") return isProgram(named) ? resolve(named) : null;
  const own = join(dirname(fileURLToPath(import.meta.resolve("@bloomery/daemon/main"))), "../../..");
  const folders = [join(own, ".bloom/bin"), ...(env["PATH"] ?? "").split(delimiter).filter(Boolean)];
  return folders.map((folder) => join(folder, "bloom-prefork")).find(isProgram) ?? null;
}

/** The same; throws ERR_SYSTEM_PACKAGE_MISSING where there is none. */
export function findHost(env: NodeJS.ProcessEnv): string {
  const found = lookUpHost(env);
  if (found !== null) return found;
  const named = env["BLOOM_PREFORK"] ?? "";
  const message =
    named === ""
      ? "bloom-prefork, which serves prefork apps, is not there"
      : `BLOOM_PREFORK is \`${named}\`, which is no program that can be run`;
  throw new BloomError("ERR_SYSTEM_PACKAGE_MISSING", message, {
    hint: "In a checkout `npm start` builds it; BLOOM_PREFORK names another one.",
  });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
