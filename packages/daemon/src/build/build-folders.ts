import { join } from "node:path";

/** The folders of one app's builds; they stay from build to build, so that only changes are compiled. */
export interface BuildFolders {
  readonly root: string;
  /** The source, laid out; cargo's target folder grows in it. `/app` in the sandbox. */
  readonly app: string;
  /** `/home/build` in the sandbox. */
  readonly home: string;
  /** Downloaded crates and git checkouts: folders of their own, so that compiling can have them read-only. */
  readonly registry: string;
  readonly git: string;
  /** Where dependencies are fetched: manifests and stub sources only. */
  readonly fetch: string;
  /** Generated files that appear below /etc. */
  readonly etc: string;
  /** What was laid into `app`. */
  readonly laid: string;
  /** Names what was fetched last. */
  readonly fetched: string;
  /** The toolchain that worked last with a lockfile of ours. */
  readonly lockedBy: string;
  /** Layers over templates of compiled dependencies. */
  readonly targets: string;
  /** What `build.caches` keeps. */
  readonly caches: string;
}

export function planBuildFolders(buildCache: string, appId: string): BuildFolders {
  const root = join(buildCache, appId);
  return Object.freeze({
    root,
    app: join(root, "app"),
    home: join(root, "home"),
    registry: join(root, "registry"),
    git: join(root, "git"),
    fetch: join(root, "fetch"),
    etc: join(root, "etc"),
    laid: join(root, "tree.json"),
    fetched: join(root, "fetched"),
    lockedBy: join(root, "locked-by"),
    targets: join(root, "targets"),
    caches: join(root, "caches"),
  });
}

/** Where the apps of one org keep the caches that they share. */
export function planSharedCaches(home: string, orgId: string): string {
  return join(home, "build-cache", "caches", orgId);
}
