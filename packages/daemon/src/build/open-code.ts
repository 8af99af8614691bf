import type { AppConfig } from "@bloomery/contract";
import type { BuilderDeps, BuildRequest } from "./builder.js";
import type { CompileJob } from "./compile.js";
import { prepareFunction } from "./function/prepare-function.js";
import { preparePrefork } from "./prefork/prepare-prefork.js";
import { openSubtree } from "./source-tree.js";

export interface OpenedCode extends Pick<CompileJob, "tree" | "own" | "prefork"> {
  readonly config: AppConfig;
}

/** What is built, and how: of a function or a prefork app, with what its code lacks. */
export async function openCode(
  { sourceStore, sdk, preforkSdk, preforkHost }: BuilderDeps,
  { tree, config, variables }: BuildRequest,
  toolchain: string,
): Promise<OpenedCode> {
  if (config.prefork !== null) {
    const platform = { host: await preforkHost(), sdk: preforkSdk };
    const prefork = await preparePrefork(sourceStore, { tree, config, toolchain }, platform);
    return { tree: prefork.tree, config, own: null, prefork };
  }
  if (config.function === null) {
    const plain = openSubtree(await sourceStore.openTree(tree), config.sourceRoot);
    return { tree: plain, config, own: null, prefork: null };
  }
  const own = await prepareFunction(sourceStore, { tree, config, variables, toolchain }, await sdk());
  return { tree: own.tree, config: own.config, own, prefork: null };
}
