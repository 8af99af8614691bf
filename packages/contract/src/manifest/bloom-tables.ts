import { z } from "zod";
import { functionDefaults } from "../config/function.js";
import { defaultIdleSeconds } from "../config/sleep.js";
import { manifestDefaults as defaults, manifestLimits as limits } from "./defaults.js";
import { element, key } from "./key-meta.js";
import {
  cargoWord,
  commandText,
  intWithin,
  lineText,
  memorySize,
  portNumber,
  scriptText,
  seconds,
  tmpSize,
  toolchainChannel,
} from "./scalars.js";

const secondsWords = `a number of seconds from ${limits.seconds.min} to ${limits.seconds.max}`;

/** More would be a firewall of its own. */
const mostPlaces = 200;

/** `[build]`. */
export const buildTable = z.object({
  command: key(scriptText, {
    about: "A script for `sh`, run in the build sandbox in place of plain `cargo build`.",
    expected: "a script as text",
    example: "cargo build --release",
    default: "`hooks.build` of .platform.app.yaml, else `cargo build`",
  }),
  target: key(cargoWord, {
    about: "The target triple given to cargo; of a function what it becomes: `native`, a program.",
    expected: "a target triple",
    example: "x86_64-unknown-linux-musl",
    default: "the machine's own; of a function `native`",
  }),
  toolchain: key(toolchainChannel, {
    about: "The Rust toolchain; a rust-toolchain.toml comes first.",
    expected: "a channel",
    example: "stable",
    default: "`type` of .platform.app.yaml, else the daemon's default",
  }),
  profile: key(cargoWord, {
    about: "The cargo profile.",
    expected: "the name of a cargo profile",
    example: "release",
    default: defaults.profile,
  }),
  features: key(
    z.array(element(cargoWord, { about: "A feature.", expected: "the name of a feature", example: "tls" })),
    {
      about: "Cargo features to switch on.",
      expected: "a list of features",
      example: ["tls"],
      default: "none",
    },
  ),
  package: key(cargoWord, {
    about: "The package to build, in a workspace with several.",
    expected: "the name of a package",
    example: "my-app",
    default: "cargo's choice",
  }),
  bin: key(cargoWord, {
    about: "The binary to build and start, when there are several.",
    expected: "the name of a binary",
    example: "server",
    default: "the only one, or `default-run`",
  }),
  timeout_seconds: key(seconds, {
    about: "Seconds one build may take.",
    expected: secondsWords,
    example: 1800,
    default: "the daemon's own limit",
  }),
});

/** `[run]`. */
export const runTable = z.object({
  command: key(commandText, {
    about: "The command line that starts the app, run by `sh` in `/app`.",
    expected: "a command line",
    example: "./target/release/my-app",
    default: "`web.commands.start` of .platform.app.yaml, else the only binary of Cargo.toml",
  }),
  pre_start: key(commandText, {
    about: "A command run in each instance before `command`, which waits for it.",
    expected: "a command line",
    example: "./prepare.sh",
    default: "`web.commands.pre_start` of .platform.app.yaml",
  }),
  post_start: key(commandText, {
    about: "A command run in each instance beside `command`; traffic is let in when it has ended well.",
    expected: "a command line",
    example: "./wait-until-ready.sh",
    default: "`web.commands.post_start` of .platform.app.yaml",
  }),
  socket_family: key(z.enum(["tcp", "unix"]), {
    about: "How the app listens: on the port in PORT, or on the socket in SOCKET.",
    expected: 'one of "tcp", "unix"',
    example: "unix",
    default: "`web.upstream.socket_family` of .platform.app.yaml, else tcp",
  }),
  port: key(portNumber, {
    about: "The port the app is told in PORT.",
    expected: "a port from 1 to 65535",
    example: 8888,
    default: String(defaults.port),
  }),
  replicas: key(intWithin(limits.replicas), {
    about: "How many instances run. What `bloom scale` has set since counts more.",
    expected: `a whole number from ${limits.replicas.min} to ${limits.replicas.max}`,
    example: 2,
    default: String(defaults.replicas),
  }),
  network: key(z.enum(["none", "outbound", "host"]), {
    about:
      "What an instance may reach: nothing, the outside, or everything the host does. A function that calls others over the network asks for `outbound`. What a daemon without root cannot keep is refused (docs/guides/network.md).",
    expected: 'one of "none", "outbound", "host"',
    example: "outbound",
    default: `${defaults.network}; of a function or a prefork app none, unless \`outbound\` is written`,
  }),
  outbound: key(
    z
      .array(
        element(lineText, {
          about:
            "A host name, an IPv4 address or a network of them, perhaps with a port or the first and last of several.",
          expected: "a host name, an address or a network, perhaps with a port",
          example: "db.example.com:5432",
        }),
      )
      .max(mostPlaces),
    {
      about: "The only places outside that an instance may connect to; asks for `network` = `outbound`.",
      expected: `a list of at most ${mostPlaces} host names, addresses and networks, each perhaps with a port`,
      example: ["db.example.com:5432", "10.0.0.0/8", "api.example.com:8000-8100"],
      default: "everything outside of the platform",
    },
  ),
  grace_seconds: key(seconds, {
    about: "Seconds from TERM to KILL when an instance is stopped.",
    expected: secondsWords,
    example: 15,
    default: String(defaults.graceSeconds),
  }),
  drain_seconds: key(seconds, {
    about: "Seconds an instance of an old version may finish its connections after a switch.",
    expected: secondsWords,
    example: 30,
    default: String(defaults.drainSeconds),
  }),
  min_replicas: key(intWithin({ min: 0, max: limits.functionReplicas.max }), {
    about:
      "The fewest instances when nobody asks; with 0 the app sleeps, and the next request or connection wakes it.",
    expected: `a whole number from 0 to ${limits.functionReplicas.max}`,
    example: 0,
    default: `as many as \`replicas\`; of a function ${functionDefaults.minReplicas}`,
  }),
  max_replicas: key(intWithin(limits.functionReplicas), {
    about: "The most instances of a function; other apps have `replicas`.",
    expected: `a whole number from ${limits.functionReplicas.min} to ${limits.functionReplicas.max}`,
    example: 4,
    default: `${functionDefaults.maxReplicas}, or \`min_replicas\` if that is more`,
  }),
  idle_seconds: key(seconds, {
    about: "Seconds without a request and without a connection until only `min_replicas` go on running.",
    expected: secondsWords,
    example: 300,
    default: String(defaultIdleSeconds),
  }),
  concurrency: key(intWithin({ min: 1, max: 100_000 }), {
    about: "Executions one instance of a function may have at the same time; only for functions.",
    expected: "a whole number from 1 to 100000",
    example: 64,
    default: "as many as come",
  }),
});

/** `[limits]`. */
export const limitsTable = z.object({
  memory: key(memorySize, {
    about:
      "Memory of one instance: bytes, or a text such as `512MB`, `512M` (10^6 bytes) or `1GiB` (2^30 bytes).",
    expected: 'a size of at least 16MB such as "512MB" or "1GiB", or a number of bytes',
    example: "512MB",
    default: "what `size` in .platform.app.yaml says, else 512MiB",
  }),
  cpu: key(z.number().min(limits.cpu.min).max(limits.cpu.max), {
    about: "Cores of one instance; fractions are fine.",
    expected: `a number of cores from ${limits.cpu.min} to ${limits.cpu.max}`,
    example: 0.5,
    default: `what \`size\` in .platform.app.yaml says, else ${defaults.cpu}`,
  }),
  pids: key(intWithin(limits.pids), {
    about: "Processes and threads of one instance.",
    expected: `a whole number from ${limits.pids.min} to ${limits.pids.max}`,
    example: 512,
    default: String(defaults.pids),
  }),
  tmp: key(tmpSize, {
    about: "Size of an instance's /tmp.",
    expected: 'a size of at least 1MB such as "512MB" or "1GiB", or a number of bytes',
    example: "512MB",
    default: "1GiB",
  }),
  timeout_seconds: key(seconds, {
    about:
      "Seconds the app may leave a request without an answer before the proxy gives up; the same as `read_seconds` of `[http.timeouts]`. Of a function: the longest time one execution may take.",
    expected: secondsWords,
    example: 60,
    default: String(defaults.timeouts.readSeconds),
  }),
});

/** `[ready]`. */
export const readyTable = z.object({
  path: key(z.string().regex(/^\/[\u0021-\u007e]*$/), {
    about: "A path that answers with 2xx or 3xx once the app is ready.",
    expected: "a path that begins with /",
    example: "/health",
    default: "none: ready when a TCP connection is accepted",
  }),
  timeout_seconds: key(seconds, {
    about: "Seconds an instance has to become ready.",
    expected: secondsWords,
    example: 60,
    default: String(defaults.readyTimeoutSeconds),
  }),
});
