import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { hashFiles } from "../lib/hash-files.mjs";
import { cargoTarget, localDir, root } from "../lib/paths.mjs";
import { runQuietly } from "../lib/run-command.mjs";
import { readText, writeWhole } from "../lib/stamps.mjs";
import { StepError } from "../lib/steps.mjs";

/**
 * Programs the daemon starts; it looks for them here unless told otherwise (BLOOM_SHIM, BLOOM_PREFORK). What loads
 * libraries cannot be linked as .cargo/config.toml says, and has a folder of its own so that neither build undoes the
 * other's.
 */
const programs = [
  { name: "bloom-shim", target: cargoTarget, env: {} },
  {
    name: "bloom-prefork",
    target: join(cargoTarget, "dynamic"),
    env: { RUSTFLAGS: "-C target-feature=-crt-static" },
  },
];
const binDir = join(localDir, "bin");
const stamp = join(binDir, ".built-from");

/** The Rust programs are built from the sources as they are now. */
export async function ensureCrates(say) {
  if (!existsSync(join(root, "Cargo.toml"))) return "none in this checkout";
  const sources = hashFiles(["Cargo.toml", "Cargo.lock", ".cargo", "crates", "rust-toolchain.toml"]);
  if (readText(stamp) === sources && programs.every(({ name }) => existsSync(join(binDir, name))))
    return "up to date";
  await assertCargoIsRecent();
  mkdirSync(binDir, { recursive: true });
  for (const program of programs) {
    say(`cargo build --release -p ${program.name}`);
    installBinary(program.name, await build(program));
  }
  writeWhole(stamp, sources);
  return "built";
}

/** An old cargo, such as a distribution's, fails on our manifests with words that help nobody. */
async function assertCargoIsRecent() {
  const wanted = readText(join(root, "Cargo.toml")).match(/^rust-version\s*=\s*"(\d+)\.(\d+)/m);
  const { stdout } = await runQuietly(["cargo", "--version"]);
  const found = stdout.match(/(\d+)\.(\d+)/);
  if (wanted === null || found === null) return;
  if (Number(found[1]) > Number(wanted[1]) || Number(found[2]) >= Number(wanted[2])) return;
  throw new StepError(`cargo ${found[0]} is too old.`, {
    hint: `Bloomery's Rust programs need ${wanted[1]}.${wanted[2]} or newer: https://rustup.rs`,
  });
}

/** Returns the path of each executable by name. Cargo says where they are; a configured target moves them. */
async function build({ name, target, env }) {
  const argv = [
    "cargo",
    "build",
    "--release",
    "--locked",
    `--package=${name}`,
    "--message-format=json-render-diagnostics",
  ];
  const { stdout } = await runQuietly(argv, {
    env: { ...process.env, ...env, CARGO_TARGET_DIR: target },
  }).catch((cause) => {
    // Cargo's messages for programs are lines of JSON between those for people.
    const output = cause.output?.replaceAll(/^\{"reason".*\n/gm, "");
    throw new StepError("The Rust programs could not be built.", { cause, output });
  });
  const messages = stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
  return new Map(messages.filter((one) => one.executable).map((one) => [one.target.name, one.executable]));
}

/** Replaced by rename, because instances of the old one may be running. */
function installBinary(name, executables) {
  const from = executables.get(name);
  if (from === undefined) throw new StepError(`No crate of the workspace builds ${name}.`);
  const to = join(binDir, name);
  copyFileSync(from, `${to}.new`);
  chmodSync(`${to}.new`, 0o755);
  renameSync(`${to}.new`, to);
}
