import { join } from "node:path";
import { binOf, cargoTarget, root } from "./paths.mjs";

const cargoEnv = { CARGO_TARGET_DIR: cargoTarget };
const dynamicEnv = {
  CARGO_TARGET_DIR: join(cargoTarget, "dynamic"),
  RUSTFLAGS: "-C target-feature=-crt-static",
};
const script = (name, ...args) => [process.execPath, join(root, "scripts", name), ...args];
const vitest = (project) => [binOf("vitest"), "run", "--project", project];

/**
 * All checks in the order they run; the first that fails ends the run.
 * `level`: "check" runs in every set, "fast" in `npm test -- --fast` and `npm test`, "all" in `npm test`.
 * `counts` says whose closing lines to add up.
 */
const checks = [
  { name: "format", level: "check", argv: [binOf("oxfmt"), "--check", "."] },
  { name: "lint", level: "check", argv: [binOf("oxlint"), "--type-aware", "--deny-warnings"] },
  { name: "Rust format", level: "check", argv: ["cargo", "fmt", "--all", "--check"] },
  {
    name: "types",
    level: "check",
    argv: [binOf("tsc"), "-b", "packages/contract", "packages/daemon", "packages/cli"],
  },
  { name: "types of tests", level: "check", argv: [binOf("tsc"), "-p", "tsconfig.json"] },
  { name: "unused code", level: "check", argv: [binOf("knip")] },
  { name: "generated files", level: "check", argv: script("generate-docs.mjs", "--check") },
  {
    name: "tests of scripts",
    level: "check",
    argv: [process.execPath, "--test", "--test-reporter=spec", "scripts/test/"],
    counts: "node",
  },
  { name: "unit tests", level: "check", argv: vitest("unit"), counts: "vitest" },
  {
    name: "Rust lint",
    level: "check",
    argv: ["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
    env: cargoEnv,
  },
  {
    name: "Rust tests",
    level: "check",
    argv: ["cargo", "test", "--workspace", "--exclude=bloom-prefork", "--locked"],
    env: cargoEnv,
    counts: "cargo",
  },
  {
    name: "Rust tests of the prefork host",
    level: "check",
    argv: ["cargo", "test", "--package=bloom-prefork", "--locked"],
    // It loads libraries: see .cargo/config.toml.
    env: dynamicEnv,
    counts: "cargo",
  },
  { name: "slow tests", level: "fast", argv: vitest("slow"), counts: "vitest" },
  { name: "end to end", level: "all", argv: vitest("e2e"), counts: "vitest" },
];

const levels = ["check", "fast", "all"];

/** The checks of one set. */
export function selectChecks(set) {
  return checks.filter((check) => levels.indexOf(check.level) <= levels.indexOf(set));
}
