import type { BuildCacheConfig, Problem } from "@bloomery/contract";
import { normalizePath } from "./app-folder.js";
import { isBrokenWithin, manifestProblem } from "./manifest-file.js";
import type { ProjectParts } from "./parts.js";

interface Resolved {
  readonly caches: Readonly<Record<string, BuildCacheConfig>>;
  readonly problems: readonly Problem[];
}

/** `build.caches`: folders kept from build to build. */
export function resolveCaches({ yaml }: ProjectParts): Resolved {
  const problems: Problem[] = [];
  const entries = Object.entries(yaml.data.build?.caches ?? {}).map(
    ([name, written]): [string, BuildCacheConfig] => {
      const path = ["build", "caches", name];
      const refuse = (message: string, ...below: (string | number)[]): void => {
        const at = below.length === 0 ? "key" : "value";
        problems.push(manifestProblem(yaml, "error", [...path, ...below], message, at));
      };
      if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/.test(name))
        refuse(
          'a cache\'s name has letters, digits, dots, hyphens and underscores; write one such as "assets"',
        );
      if (written.directory === undefined && !isBrokenWithin(yaml, [...path, "directory"]))
        refuse('the folder is missing; write "directory: dist"');
      const directory = written.directory === undefined ? "" : normalizePath(written.directory);
      if (written.directory !== undefined && !isFolder(directory))
        refuse('the folder must be below the app; write "directory: dist"', "directory");
      if (written.watch === undefined && !isBrokenWithin(yaml, [...path, "watch"]))
        refuse('the files to watch are missing; write "watch: [package.json]"');
      const watch = (written.watch ?? []).map((file) => normalizePath(file));
      for (const [index, file] of watch.entries()) {
        if (!isFolder(file))
          refuse('the file must be below the app; write "watch: [package.json]"', "watch", index);
      }
      const cache = {
        directory: directory ?? "",
        watch: watch.filter((file) => file !== null),
        allowStale: written.allow_stale ?? false,
        shareBetweenApps: written.share_between_apps ?? false,
      };
      return [name, cache];
    },
  );
  return { caches: Object.fromEntries(entries), problems };
}

/** Below the app, and not the app itself. */
function isFolder(path: string | null): boolean {
  return path !== null && path !== "";
}
