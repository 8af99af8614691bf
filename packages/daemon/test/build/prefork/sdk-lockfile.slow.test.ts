import { execFileSync } from "node:child_process";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { planStandIn } from "./plan-stand-in.js";
import { preforkSdk } from "../../../src/build/prefork/sdk.js";
import { asTable, parseTable } from "../../../src/build/toml-table.js";
import { crates } from "../builder-bench.js";
import { writeFiles } from "../function/stub-sdk.js";
import { makeTempDir } from "../helpers.js";

/**
 * `UPDATE_FIXTURES=1 npx vitest run --project slow packages/daemon/test/build/prefork/sdk-lockfile` writes it anew,
 * after a change of the crates' dependencies or of the workspace's own Cargo.lock.
 */
const isUpdate = process.env["UPDATE_FIXTURES"] !== undefined;

it("the lockfile of prefork apps is the workspace's, as far as the smallest one goes", async () => {
  const dir = await makeTempDir();
  const [main] = preforkSdk.folders;
  for (const name of preforkSdk.folders) await cp(join(crates, name), join(dir, name), { recursive: true });
  const manifest = parseTable(await readFile(join(crates, main, "Cargo.toml"), "utf8"));
  const version = String(asTable(manifest?.["package"])["version"]);
  const app = join(dir, "app");
  await writeFiles(app, Object.fromEntries(planStandIn({ path: `../${main}`, version })));
  await cp(join(crates, "../Cargo.lock"), join(app, "Cargo.lock"));
  const settle = (...more: readonly string[]): void => {
    execFileSync("cargo", ["metadata", "--format-version=1", ...more], { cwd: app, stdio: "ignore" });
  };
  try {
    settle("--offline");
  } catch {
    settle();
  }
  const made = await readFile(join(app, "Cargo.lock"), "utf8");
  const file = join(crates, main, preforkSdk.lockfile);
  if (isUpdate) await writeFile(file, made);
  expect(await readFile(file, "utf8")).toBe(made);
});
