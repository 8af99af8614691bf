import { z } from "zod";
import type { AppShape } from "../config/app-config.js";
import { deployTable, hooksTable } from "./bloom-deploy.js";
import { httpTable } from "./bloom-http.js";
import { mountsSchema } from "./container.js";
import { functionTable } from "./bloom-function.js";
import { preforkTable } from "./bloom-prefork.js";
import { buildTable, limitsTable, readyTable, runTable } from "./bloom-tables.js";
import { tcpTables } from "./bloom-tcp.js";
import { key } from "./key-meta.js";
import { lineText } from "./scalars.js";
import { envSchema } from "./variables.js";

/** The shapes an app can have. */
const shapeNames = ["web", "function", "prefork", "tcp"] as const satisfies readonly AppShape[];

/** The whole of bloom.toml. Keys that are not listed are errors. */
export const bloomTomlSchema = z.object({
  name: key(lineText, {
    about: "The app's name: lowercase letters, digits and single hyphens. A name given to the command wins.",
    expected: "a name as text",
    example: "my-app",
    default: "the name in .platform.app.yaml, else Cargo's package name, else the folder's",
  }),
  shape: key(z.enum(shapeNames), {
    about: "What kind of app this is.",
    expected: 'one of "web", "function", "prefork", "tcp"',
    example: "web",
    default: "detected from the files",
  }),
  api: key(z.string().regex(/^(https?:\/\/|unix:\/)/), {
    about:
      "Where the daemon of this project is, for the `bloom` command; the daemon itself does not read it.",
    expected: "an address that begins with http://, https:// or unix:/",
    example: "http://127.0.0.1:4600",
    default: "the daemon of this machine",
  }),
  build: key(buildTable, {
    about: "How the app is built.",
    expected: "a table with keys such as command",
    example: { command: "make" },
  }),
  function: key(functionTable, {
    about: "What is special to a function; an app with this table is one.",
    expected: "a table with keys such as description",
    example: { description: "Answers with a greeting." },
  }),
  prefork: key(preforkTable, {
    about: "What is special to a prefork app; an app with this table is one.",
    expected: "a table with keys such as ini",
    example: { ini: "app.ini" },
  }),
  run: key(runTable, {
    about: "How the app runs.",
    expected: "a table with keys such as command",
    example: { command: "./server" },
  }),
  limits: key(limitsTable, {
    about: "What one instance may use.",
    expected: "a table with keys such as memory",
    example: { memory: "512MB" },
  }),
  ready: key(readyTable, {
    about: "When an instance counts as ready.",
    expected: "a table with keys such as path",
    example: { path: "/health" },
  }),
  deploy: key(deployTable, {
    about: "How a new version takes over.",
    expected: "a table with keys such as strategy",
    example: { strategy: "rolling" },
  }),
  hooks: key(hooksTable, {
    about: "Scripts at certain moments of a deployment; that of the build is `command` in [build].",
    expected: "a table with the keys deploy and post_deploy",
    example: { deploy: "./migrate.sh" },
  }),
  http: key(httpTable, {
    about: "Static files, paths and time limits.",
    expected: "a table with the keys locations and timeouts",
    example: { timeouts: { read_seconds: 60 } },
  }),
  tcp: key(tcpTables, {
    about: "The ports of an app that speaks raw TCP; an app with such a table is one.",
    expected: "at most 64 tables written [[tcp]]",
    example: [{ port: 7878 }],
    default: "of a tcp app the ports that the started program listens on",
  }),
  env: key(envSchema, {
    about: "Environment variables; they replace those of the same name in .platform.app.yaml.",
    expected: "a table of names with values",
    example: { RUST_LOG: "info" },
    default: "none",
  }),
  mounts: key(mountsSchema, {
    about: "Writable folders of the app; an entry replaces the one of the same path in .platform.app.yaml.",
    expected: "a table of paths, each with a source",
    example: { "/uploads": { source: "local" } },
    default: "none",
    entry: "path",
  }),
});
export type BloomToml = z.infer<typeof bloomTomlSchema>;
