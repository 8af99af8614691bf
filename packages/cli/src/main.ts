#!/usr/bin/env node
import { basename } from "node:path";
import { cliVersion } from "./version.js";

// `bloom … | head` closes the pipe: what could not be printed is nobody's loss.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
}

const argv = process.argv.slice(2);
if (argv.length === 1 && argv[0] === "--version") {
  // Scripts ask this often: answered before anything else is loaded.
  process.stdout.write(`${cliVersion}\n`);
} else {
  const { runProgram } = await import("./program.js");
  process.exitCode = await runProgram(argv, {
    name: basename(process.argv[1] ?? "") === "dodil" ? "dodil" : "bloom",
    env: process.env,
    cwd: process.cwd(),
    stdin: () => process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
  });
}
