import { basename } from "node:path";
import { formatProblem, type AppConfig, type Problem } from "@bloomery/contract";
import type { Context, FlagSpec } from "../command.js";
import { findProjectRoot } from "../project/find-root.js";
import { resolveFolder } from "./place.js";

export const appNameFlag: FlagSpec = {
  flag: "--app-name <name>",
  about: "the one of the project's apps that is meant, by its name in the manifest",
};

/** Said wherever a folder is taken for a project. */
export const aboutProject =
  "The project is the nearest folder upward with .platform/; without one, the folder itself when it has a manifest, a\nCargo.toml or the ini of a prefork app, else the nearest with .git. Of several apps in it the one nearest to the\nfolder is meant, or --app-name.";

/** The project that a command is about, read and checked. */
export interface Project {
  readonly root: string;
  readonly folder: string;
  /** The root's own name, for want of a better one. */
  readonly folderName: string;
  readonly manifestApp?: string;
}

/** Where the project is that the first argument lies in. Throws ERR_INVALID_ARGUMENT. */
export async function locateProject({ cwd, args, flags }: Context): Promise<Project> {
  const { folder: start } = await resolveFolder(cwd, args[0]);
  const { root, folder } = await findProjectRoot(start);
  const wanted = flags["app-name"];
  return {
    ...{ root, folder, folderName: basename(root) },
    ...(typeof wanted === "string" ? { manifestApp: wanted } : {}),
  };
}

export interface ReadProject {
  readonly config: AppConfig | null;
  readonly problems: readonly Problem[];
}

/** Reads the project's files without judging them. */
export async function readProject(
  { root, ...options }: Project,
  more: { appName?: string } = {},
): Promise<ReadProject> {
  const { loadConfig, openProjectFolder } = await import("@bloomery/daemon/config");
  return loadConfig(openProjectFolder(root), { ...options, ...more });
}

/** Reads the project and prints what was noticed. Throws ERR_MANIFEST_INVALID with all mistakes. */
export async function checkProject(
  { output }: Pick<Context, "output">,
  project: Project,
  more: { appName?: string } = {},
): Promise<{ config: AppConfig; problems: readonly Problem[] }> {
  const { config, problems } = await readProject(project, more);
  if (config === null) throw (await import("@bloomery/daemon/config")).toConfigError(problems);
  for (const problem of problems) output.say(output.paint("yellow", formatProblem(problem)));
  return { config, problems };
}
