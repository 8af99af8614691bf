import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureReady } from "../ensure/index.mjs";
import { selectChecks } from "./checks.mjs";
import {
  addCounts,
  formatCounts,
  noTests,
  parseCargoOutput,
  parseNodeOutput,
  parseVitestReport,
} from "./count-tests.mjs";
import { planExcerpt } from "./excerpt.mjs";
import { findLeaks, takeSnapshot } from "./leaks.mjs";
import { localDir } from "./paths.mjs";
import { runAloud, runQuietly } from "./run-command.mjs";
import { readText } from "./stamps.mjs";
import { formatDuration, reportFailure, StepError } from "./steps.mjs";

/** Somebody who watches sees everything as it comes; a record keeps what counts, the whole lies beside it. */
const isWatched = process.stdout.isTTY;

/**
 * Makes ready and runs one set of checks ("check", "fast" or "all"), a headline each. Ends the process
 * with 1 at the first that fails. The last line adds up the tests of all runners.
 */
export async function runChecks(set) {
  const began = performance.now();
  const tally = { counts: noTests };
  let failure;
  try {
    await ensureReady("test");
    const before = await takeSnapshot();
    for (const check of selectChecks(set)) await runCheck(check, tally);
    await reportLeaks(before);
  } catch (error) {
    failure = error;
    reportFailure(error);
  }
  console.log(`\n${failure ? "failed" : "all good"} after ${formatDuration(performance.now() - began)}`);
  console.log(formatCounts(tally.counts));
  process.exitCode = failure ? 1 : 0;
}

async function runCheck(check, tally) {
  const began = performance.now();
  console.log(`\n── ${check.name} ${"─".repeat(Math.max(3, 70 - check.name.length))}`);
  const reports = join(localDir, "reports");
  mkdirSync(reports, { recursive: true });
  const record = join(reports, `${check.name.replaceAll(" ", "-")}.txt`);
  const report = record.replace(/txt$/, "json");
  const argv = [...check.argv];
  if (check.counts === "vitest") {
    rmSync(report, { force: true });
    argv.push("--reporter=default", "--reporter=json", `--outputFile.json=${report}`);
  }
  const run = isWatched ? runAloud : runQuietly;
  const ended = await run(argv, { env: { ...process.env, ...check.env } }).catch((error) => ({ error }));
  const output = ended.output ?? ended.error.output ?? "";
  writeFileSync(record, output);
  const counts = countTests(check, output, report);
  tally.counts = addCounts(tally.counts, counts);
  if (ended.error !== undefined) {
    console.error(planExcerpt(output, check.counts));
    throw new StepError(
      `The check "${check.name}" failed: ${ended.error.message}\nIts whole output: ${record}`,
    );
  }
  const tests = check.counts === undefined ? "" : `, ${formatCounts(counts)}`;
  console.log(`✓ ${check.name} (${formatDuration(performance.now() - began)}${tests})`);
}

function countTests(check, output, report) {
  if (check.counts === "cargo") return parseCargoOutput(output);
  if (check.counts === "node") return parseNodeOutput(output);
  const text = check.counts === "vitest" ? readText(report) : undefined;
  return text === undefined ? noTests : parseVitestReport(text);
}

async function reportLeaks(before) {
  console.log(`\n── nothing left behind ${"─".repeat(50)}`);
  const leaks = await findLeaks(before);
  if (leaks.length > 0) {
    throw new StepError(`The tests left behind:\n${leaks.map((leak) => `  ${leak}`).join("\n")}`);
  }
  console.log("✓ no process, namespace, link, table, cgroup, mount or folder of the tests is left");
}
