import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../../../../../", import.meta.url));

/** Builds the function that does everything wrong with the SDK as it is here; returns its program. */
export async function buildTroubles(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bloom-troubles-"));
  try {
    await cp(join(root, "fixtures/apps/function-troubles"), folder, { recursive: true });
    await cp(join(root, "Cargo.lock"), join(folder, "Cargo.lock"));
    const manifest = join(folder, "Cargo.toml");
    const sdk = `ignite = { path = ${JSON.stringify(join(root, "crates/ignite"))} }`;
    await writeFile(manifest, (await readFile(manifest, "utf8")).replace(/^ignite = .*$/m, sdk));
    const target = process.env["CARGO_TARGET_DIR"] ?? join(homedir(), ".cache/bloomery/target");
    const env = { ...process.env, CARGO_TARGET_DIR: target };
    await promisify(execFile)("cargo", ["build", "--quiet"], { cwd: folder, env });
    return join(target, "debug/function-troubles");
  } finally {
    await rm(folder, { recursive: true });
  }
}
