import { join } from "node:path";
import { planBuildFolders, type BuildFolders } from "../build-folders.js";

/** Where templates lie; no app has such an id. */
export function planTemplateFolders(buildCache: string) {
  const root = join(buildCache, "templates");
  const of = (key: string) =>
    Object.freeze({
      root: join(root, key),
      /** The lower layer: cargo's target folder with nothing but dependencies. */
      target: join(root, key, "target"),
      /** Describes it; its time says when it was last used. */
      record: join(root, key, "template.json"),
    });
  /** The folders of the job that makes one. Nothing but fetching ever writes its registry. */
  const job: BuildFolders = planBuildFolders(root, ".job");
  return Object.freeze({ root, of, job });
}

/** The layer of one app over a template, below its own build folder. */
export function planLayerFolders(targets: string, key: string) {
  const root = join(targets, key);
  return Object.freeze({ root, upper: join(root, "upper"), work: join(root, "work") });
}
