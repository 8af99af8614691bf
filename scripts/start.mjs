import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { join } from "node:path";
import { ensureReady } from "./ensure/index.mjs";
import { root } from "./lib/paths.mjs";
import { reportFailure } from "./lib/steps.mjs";

// `npm start [-- FLAGS]`: make everything ready, then `bloom server start FLAGS` in the foreground.
try {
  await ensureReady("start");
} catch (error) {
  reportFailure(error);
  process.exit(1);
}

const cli = join(root, "packages", "cli", "dist", "main.js");
const flags = ["--deploy-examples", join(root, "examples"), ...process.argv.slice(2)];
const server = spawn(process.execPath, [cli, "server", "start", ...flags], { stdio: "inherit" });

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    // A terminal sends Ctrl-C to every process in front of it; passing it on would make it two.
    if (signal === "SIGINT" && process.stdin.isTTY) return;
    server.kill(signal);
  });
}

const [code, signal] = await once(server, "exit");
process.exitCode = code ?? 128 + constants.signals[signal];
