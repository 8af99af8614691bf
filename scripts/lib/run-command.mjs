import { spawn } from "node:child_process";
import { root } from "./paths.mjs";

/** A command that did not end well; `output` has what it said. */
export class CommandError extends Error {
  constructor(argv, ending, output) {
    super(`${argv.join(" ")} ${ending}`);
    this.name = "CommandError";
    this.output = output;
  }
}

/**
 * Runs `argv` and keeps its output to itself; the output of a failure travels in the error.
 * Returns `{ stdout, output }`; `output` is stdout and stderr together, in the order they came.
 * Options: `cwd` (the checkout), `env` (ours), `timeoutMs` (none).
 */
export async function runQuietly(argv, options = {}) {
  return run(argv, { ...options, echo: false });
}

/** The same, and shows the output as it comes. */
export async function runAloud(argv, options = {}) {
  return run(argv, { ...options, echo: true });
}

async function run(argv, { cwd = root, env = process.env, echo, timeoutMs } = {}) {
  const [command, ...args] = argv;
  const child = spawn(command, args, {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
  });
  const all = [];
  const out = [];
  child.stdout.on("data", (chunk) => {
    all.push(chunk);
    out.push(chunk);
    if (echo) process.stdout.write(chunk);
  });
  child.stderr.on("data", (chunk) => {
    all.push(chunk);
    if (echo) process.stderr.write(chunk);
  });
  const ending = await new Promise((resolve, reject) => {
    child.once("error", (error) => {
      reject(new CommandError(argv, `could not be started: ${error.message}`, ""));
    });
    child.once("close", (code, signal) => resolve(signal ? `was ended by ${signal}` : code));
  });
  const output = Buffer.concat(all).toString("utf8");
  if (ending !== 0) {
    throw new CommandError(argv, typeof ending === "number" ? `ended with code ${ending}` : ending, output);
  }
  return { stdout: Buffer.concat(out).toString("utf8"), output };
}
