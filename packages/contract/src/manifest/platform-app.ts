import { z } from "zod";
import { anyMap, containerKeys, hostsSchema, later } from "./container.js";
import { hooksSchema } from "./hooks.js";
import { element, key } from "./key-meta.js";
import { lineText } from "./scalars.js";
import { old, webSchema } from "./web.js";

/** The whole of .platform.app.yaml. Keys that are not listed are warned about and dropped. */
export const platformAppSchema = z.object({
  name: key(lineText, {
    about: "The app's name: lowercase letters, digits and single hyphens. A name given to the command wins.",
    expected: "a name as text",
    example: "my-app",
    default: "Cargo's package name, else the folder's",
  }),
  type: key(z.string().regex(/^(?:rust:(?:1|1\.\d{1,3}(?:\.\d{1,3})?|stable)|composable:[\w.-]{1,50})$/), {
    about:
      "The runtime. `rust:1` is any 1.x toolchain; rust-toolchain.toml and bloom.toml come first. Of `composable:…` the Rust runtime in `stack` counts.",
    expected: 'a Rust runtime, which is "rust:1", "rust:1.NN" or "rust:stable"',
    example: "rust:1",
    default: "the daemon's default toolchain",
  }),
  toolstack: old("type"),
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
  source: key(sourceSchema(), {
    about: "Where the app lies in the repository, and commands that may change it.",
    expected: "the keys root and operations",
    example: { root: "backend" },
  }),
  operations: later(anyMap, {
    about: "Commands that can be run on demand.",
    expected: "names with commands",
    example: { clear: { commands: { start: "./clear.sh" } } },
  }),
  additional_hosts: key(hostsSchema, {
    about: "Lines for the app's /etc/hosts.",
    expected: "host names with addresses",
    example: { "db.example.org": "192.0.2.7" },
    default: "none",
    entry: "host",
  }),
  stack: later(z.unknown(), {
    about: "Runtimes and packages of a composable image.",
    expected: "a list of runtimes",
    example: ["rust@1"],
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
    caches: key(z.record(z.string(), cacheSchema()), {
      about: "Folders kept from build to build. Cargo's own are kept anyway.",
      expected: "names with a directory and a list of files to watch",
      example: { assets: { directory: "dist", watch: ["package.json"] } },
      default: "none",
    }),
  });
}

function cacheSchema() {
  const flag = (about: string) =>
    key(z.boolean(), { about, expected: "true or false", example: true, default: "false" });
  return element(
    z.object({
      directory: key(lineText, {
        about: "The folder, relative to the app.",
        expected: "a folder below the app",
        example: "dist",
      }),
      watch: key(
        z.array(
          element(lineText, {
            about: "A file, relative to the app.",
            expected: "a file below the app",
            example: "package.json",
          }),
        ),
        {
          about: "Files whose content decides whether the cache is still the same.",
          expected: "a list of files",
          example: ["package.json"],
        },
      ),
      allow_stale: flag("Whether the newest cache is used when none was made for these very files."),
      share_between_apps: flag("Whether the project's other apps use the same cache."),
    }),
    {
      about: "One folder.",
      expected: "the keys directory and watch",
      example: { directory: "dist", watch: ["package.json"] },
    },
  );
}

function sourceSchema() {
  return z.object({
    root: key(z.string(), {
      about: "The app's folder, from the top of the repository; it becomes `/app`.",
      expected: "a folder of the repository",
      example: "backend",
      default: "the manifest's own folder; the top for .platform/applications.yaml",
    }),
    operations: later(anyMap, {
      about: "Commands that may change the source.",
      expected: "names with commands",
      example: { update: { command: "./update.sh" } },
    }),
  });
}
