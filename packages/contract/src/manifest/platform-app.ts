import { z } from "zod";
import { anyMap, containerKeys, later } from "./container.js";
import { intWithin, lineText } from "./scalars.js";
import { manifestLimits } from "./defaults.js";
import { hooksSchema } from "./hooks.js";
import { key } from "./key-meta.js";
import { variablesSchema } from "./variables.js";
import { webSchema } from "./web.js";

/** The whole of .platform.app.yaml. Keys that are not listed are warned about and dropped. */
export const platformAppSchema = z.object({
  name: key(lineText, {
    about: "The app's name: lowercase letters, digits and single hyphens. A name given to the command wins.",
    expected: "a name as text",
    example: "my-app",
    default: "Cargo's package name, else the folder's",
  }),
  type: key(z.string().regex(/^rust:(?:1|1\.\d{1,3}|stable)$/), {
    about: "The runtime. `rust:1` is any 1.x toolchain; rust-toolchain.toml and bloom.toml come first.",
    expected: 'a Rust runtime, which is "rust:1", "rust:1.NN" or "rust:stable"',
    example: "rust:1",
    default: "the daemon's default toolchain",
  }),
  disk: key(intWithin(manifestLimits.diskMb), {
    about: "Persistent disk in MB (10^6 bytes) for the mounts; accepted without any.",
    expected: `a whole number of megabytes, at least ${manifestLimits.diskMb.min}`,
    example: 512,
    default: "none",
  }),
  hooks: key(hooksSchema, {
    about: "Scripts at certain moments.",
    expected: "the key build with a script",
    example: { build: "cargo build --release" },
  }),
  web: key(webSchema, {
    about: "How the app is started and reached.",
    expected: "the keys commands, upstream and locations",
    example: { commands: { start: "./target/release/my-app" } },
  }),
  variables: key(variablesSchema, {
    about:
      "Variables in two levels. Below `env` they are environment variables, with names in upper case; values that are not scalars become JSON.",
    expected: "prefixes with names and values",
    example: { env: { RUST_LOG: "info" } },
    default: "none",
  }),
  ...containerKeys,
  workers: later(anyMap, {
    about: "Further instances of the same build that serve no HTTP.",
    expected: "names with commands",
    example: { queue: { commands: { start: "./target/release/queue" } } },
  }),
  crons: later(anyMap, {
    about: "Commands run at set times.",
    expected: "names with a spec and commands",
    example: { nightly: { spec: "0 3 * * *", commands: { start: "./nightly.sh" } } },
  }),
  build: key(buildSchema(), {
    about: "Options of the build.",
    expected: "the keys flavor and caches",
    example: { flavor: "none" },
  }),
  dependencies: later(anyMap, {
    about: "Packages of other languages to install before the build.",
    expected: "languages with packages",
    example: { nodejs: { sass: "*" } },
  }),
  source: later(anyMap, {
    about: "Where the app lies in the repository, and commands that may change it.",
    expected: "the keys root and operations",
    example: { root: "backend" },
  }),
  operations: later(anyMap, {
    about: "Commands that can be run on demand.",
    expected: "names with commands",
    example: { clear: { commands: { start: "./clear.sh" } } },
  }),
  additional_hosts: later(anyMap, {
    about: "Lines for /etc/hosts.",
    expected: "host names with addresses",
    example: { "db.example.org": "192.0.2.7" },
  }),
  stack: later(z.unknown(), {
    about: "Runtimes and packages of a composable image.",
    expected: "a list of runtimes",
    example: ["rust@1"],
  }),
  container_profile: later(z.string(), {
    about: "The ratio of CPU to memory.",
    expected: "a profile such as HIGH_CPU",
    example: "HIGH_CPU",
  }),
  preflight: later(anyMap, {
    about: "Security checks of dependencies before the build.",
    expected: "the key enabled",
    example: { enabled: true },
  }),
  runtime: key(z.unknown(), {
    about: "Settings of PHP.",
    expected: "a mapping",
    example: {},
    effect: "ignored",
  }),
});
export type PlatformApp = z.infer<typeof platformAppSchema>;

function buildSchema() {
  return z.object({
    flavor: key(z.string(), {
      about: "A ready-made build of other languages; there is none for Rust.",
      expected: "the word none",
      example: "none",
      effect: "ignored",
    }),
    caches: later(anyMap, {
      about: "Folders kept between builds. Cargo's own are kept anyway.",
      expected: "names with a directory and a list of files to watch",
      example: { assets: { directory: "dist", watch: ["package.json"] } },
    }),
  });
}
