import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** The lockfile that cargo makes for these files; null where the machine cannot reach the registry. */
export function makeLockfile(files: Readonly<Record<string, string>>): string | null {
  const dir = mkdtempSync(join(tmpdir(), "bloomery-lock-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
    }
    execFileSync("cargo", ["generate-lockfile"], { cwd: dir, stdio: "ignore", timeout: 30_000 });
    return readFileSync(join(dir, "Cargo.lock"), "utf8");
  } catch {
    return null;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** A program with these dependencies that prints a word as JSON. */
export function makeProgram(name: string, dependencies: string, word = name): Record<string, string> {
  return {
    "Cargo.toml": `[package]\nname = "${name}"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\n${dependencies}`,
    "src/main.rs": `fn main() { println!("{}", serde_json::json!("${word}")); }\n`,
  };
}
