import { access, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { planBuildFolders } from "../../src/build/build-folders.js";
import { dropNewerLockfile } from "../../src/build/drop-lockfile.js";
import { makeTempDir } from "./helpers.js";

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

test.each([
  ["the same toolchain", ["1.95.0", "1.95.0"], true],
  ["a newer one", ["1.68.2", "1.95.0"], true],
  ["an older one", ["1.95.0", "1.68.2"], false],
  ["an older one after a newer one went on with it", ["1.68.2", "1.95.0", "1.68.2"], false],
  ["an older nightly", ["1.97.0-nightly", "1.95.0"], false],
])("a generated lockfile and %s", async (_what, toolchains, isKept) => {
  const folders = planBuildFolders(await makeTempDir(), "app-1");
  await mkdir(folders.app, { recursive: true });
  const lockfile = join(folders.app, "Cargo.lock");
  await writeFile(lockfile, "version = 4\n");
  await writeFile(folders.fetched, "key");
  for (const toolchain of toolchains) await dropNewerLockfile(folders, toolchain);
  expect([await exists(lockfile), await exists(folders.fetched)]).toEqual([isKept, isKept]);
});
