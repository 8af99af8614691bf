import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import {
  BloomError,
  defaultEnvironment,
  environmentName,
  parseAppRef,
  type EnvironmentView,
} from "@bloomery/contract";
import type { Context } from "../command.js";

/** The app that the first argument names, with the environment of the flag. Throws ERR_INVALID_NAME. */
export function placeOf(context: Context): Place {
  return parsePlace(context.args[0] ?? "", environmentOf(context));
}

/** An environment of an app, as routes take it. */
export interface Place {
  readonly org: string;
  readonly app: string;
  readonly environment: string;
}

/** The app that a word names, with an environment. Throws ERR_INVALID_NAME. */
export function parsePlace(word: string, environment: string): Place {
  return { ...parseAppRef(word), environment };
}

/** The environment that -e names, `main` without it. Throws ERR_INVALID_NAME. */
export function environmentOf({ flags }: Context): string {
  const name = flags["environment"] ?? defaultEnvironment;
  const parsed = environmentName.safeParse(name);
  if (parsed.success) return parsed.data;
  const reason = parsed.error.issues[0]?.message ?? "";
  throw new BloomError("ERR_INVALID_NAME", `\`${String(name)}\` is not a valid name: ${reason}`);
}

/** A whole number that a flag or an argument must be. Throws ERR_INVALID_ARGUMENT. */
export function parseCount(what: string, word: string, min: number): number {
  const value = /^\d{1,9}$/.test(word) ? Number(word) : -1;
  if (value >= min) return value;
  throw new BloomError(
    "ERR_INVALID_ARGUMENT",
    `${what} is \`${word}\`, but must be a whole number from ${min} up`,
  );
}

/** The folder that an argument names; the current one without it. Throws ERR_INVALID_ARGUMENT. */
export async function resolveFolder(
  cwd: string,
  word = ".",
): Promise<{ folder: string; folderName: string }> {
  const folder = resolve(cwd, word);
  const isFolder = await stat(folder).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new BloomError("ERR_INVALID_ARGUMENT", `${folder} is not a folder`);
  return { folder, folderName: basename(folder) };
}

/** Where clients find an app: one URL for each port of a tcp app. */
export function listUrls({ url, tcp }: Pick<EnvironmentView, "url" | "tcp">): string[] {
  return tcp === null ? [url] : tcp.map(({ address }) => `tcp://${address}`);
}
