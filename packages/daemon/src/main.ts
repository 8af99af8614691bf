#!/usr/bin/env node
import { createWriteStream } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { toBloomError } from "@bloomery/contract";
import { startDaemon } from "./daemon.js";
import { resolveSettings } from "./settings.js";

const flags = [
  "home",
  "api-address",
  "api-port",
  "http-address",
  "http-port",
  "tcp-address",
  "base-domain",
  "database",
  "network",
  "weak-isolation",
  "shim",
  "prefork",
  "sdk",
  "log-level",
  "build-time-limit",
  "build-memory",
  "execution-days",
  "execution-count",
] as const;

/** In a checkout the Rust programs lie in `.bloom/bin` at its root; packed, beside this package. */
const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const shimPath = join(root, ".bloom/bin/bloom-shim");
const sdkPath = join(root, "crates");

/** Whoever started us listens on descriptor 3 for one line: ready, or why not. */
function tellParent(message: object): void {
  try {
    const pipe = createWriteStream("", { fd: 3 });
    pipe.on("error", () => undefined); // nobody listens: started by hand or by systemd
    pipe.end(`${JSON.stringify(message)}\n`);
  } catch {
    // no descriptor 3 at all
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(flags.map((flag) => [flag, { type: "string" as const }])),
      attended: { type: "boolean" },
    },
    strict: true,
  });
  const { attended: _attended, ...given } = values;
  const settings = resolveSettings(given, process.env, {
    isRoot: process.getuid?.() === 0,
    shimPath,
    sdkPath,
  });
  const daemon = await startDaemon(settings);
  // TERM is what an upgrade sends: everything that serves goes on and is found again. INT is a person at a
  // terminal who wants it gone.
  process.on("SIGTERM", () => void daemon.stop(false));
  process.on("SIGINT", () => void daemon.stop(true));
  process.on("SIGHUP", () => undefined);
  tellParent({ ready: true, apiUrl: daemon.apiUrl, httpPort: settings.httpPort, pid: process.pid });
  await daemon.stopped;
}

try {
  await main();
  process.exit(0);
} catch (error) {
  const known = toBloomError(error);
  tellParent({ ready: false, error: known.toDocument() });
  // Started with --attended: who started us says it, in its own way and to the same reader.
  if (!process.argv.includes("--attended"))
    process.stderr.write(
      `bloomd: ${known.message}\n${known.hint === undefined ? "" : `  next: ${known.hint}\n`}`,
    );
  if (known.code === "ERR_INTERNAL") process.stderr.write(`${known.stack ?? ""}\n`);
  // Let the pipe to the parent drain.
  setTimeout(() => process.exit(known.exitCode), 50);
}
