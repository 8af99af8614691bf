import { execFile, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startPlatform as launch } from "../../scripts/lib/start-platform.mjs";

export { findFreePort } from "../../scripts/lib/find-free-port.mjs";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

/** A platform of its own; a command that fails throws. */
export async function startPlatform() {
  const platform = await launch({ prefix: "bloom-bench-home-" });
  const bloom = async (...args) => {
    const result = await platform.bloom(...args);
    if (result.code !== 0)
      throw new Error(`bloom ${args.join(" ")} ended with ${result.code}: ${result.stderr}`);
    return result;
  };
  return { ...platform, bloom };
}

export function makeFolder(name) {
  return mkdtempSync(join(tmpdir(), `bloom-bench-${name}-`));
}

/** A copy of a project of this repository that may be changed. */
export function copyProject(path) {
  const folder = makeFolder("project");
  cpSync(join(root, path), folder, { recursive: true });
  return folder;
}

export function edit(file, change) {
  writeFileSync(file, change(readFileSync(file, "utf8")));
}

export async function time(work) {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

export function summarize(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const round = (value) => Math.round(value * 1000) / 1000;
  return {
    median: round(sorted[Math.floor(sorted.length / 2)]),
    min: round(sorted[0]),
    max: round(sorted.at(-1)),
    runs: sorted.length,
  };
}

export const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;

/** wrk on one address; what it counted. `failed` are errors of sockets and answers that are not 2xx or 3xx. */
export async function wrk(
  url,
  host,
  duration,
  { connections = 32, timeout = "10s", script, headers = [] } = {},
) {
  const args = [
    "-t2",
    `-c${connections}`,
    `-d${duration}s`,
    `--timeout=${timeout}`,
    "--latency",
    "-H",
    `Host: ${host}`,
    ...headers.flatMap((header) => ["-H", header]),
    ...(script === undefined ? [] : ["-s", script]),
    url,
  ];
  return parseWrk((await run("wrk", args)).stdout);
}

/** The same in the background. */
export function startWrk(url, host, duration, connections = 32) {
  const args = [
    "-t2",
    `-c${connections}`,
    `-d${duration}s`,
    "--timeout=10s",
    "--latency",
    "-H",
    `Host: ${host}`,
    url,
  ];
  const child = spawn("wrk", args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => (text += chunk));
  return new Promise((resolve) => child.once("close", () => resolve(parseWrk(text))));
}

function parseWrk(text) {
  const number = (pattern) => Number(text.match(pattern)?.[1] ?? 0);
  const sockets = text.match(/Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/);
  const failed = (sockets ?? []).slice(1).reduce((sum, word) => sum + Number(word), 0);
  return {
    requests: number(/(\d+) requests in/),
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
    longest: text.match(/Latency\s+\S+\s+\S+\s+(\S+)/)?.[1] ?? "",
    p99: text.match(/99%\s+(\S+)/)?.[1] ?? "",
    p99Ms: readMs(text.match(/99%\s+(\S+)/)?.[1] ?? ""),
    failed: failed + number(/Non-2xx or 3xx responses: (\d+)/),
  };
}

/** wrk writes times as `1.80ms`. */
function readMs(text) {
  const [, value, unit] = /^([\d.]+)(us|ms|s|m)$/.exec(text) ?? [];
  return Number(value) * ({ us: 0.001, ms: 1, s: 1000, m: 60_000 }[unit] ?? Number.NaN);
}
