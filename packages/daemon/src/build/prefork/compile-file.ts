import { chmod, rm, writeFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { BloomError } from "@bloomery/contract";
import type { BuildStep } from "../plan-build.js";
import type { BuildRun } from "../run-build.js";
import { planPrelude, type PreludePlan } from "./plan-prelude.js";
import { chooseEdition, oldEdition, planRustc, type RustcWish } from "./plan-rustc.js";
import { readRustc, type RustcError, type RustcReport } from "./read-rustc.js";

/** One file to compile in a build that is under way. */
export interface FileJob {
  readonly file: string;
  /** The crate's name. */
  readonly name: string;
  readonly source: string;
  readonly profile: string;
  /** The work folder on the host. */
  readonly folder: string;
  readonly run: Pick<BuildRun, "capture" | "note" | "tell">;
  /** A call of rustc as a step of this build. */
  readonly stepOf: (command: readonly string[]) => BuildStep;
}

const needsCargo =
  "The crate prefork needs a Cargo.toml; `bloom init --shape prefork` in an empty folder shows one.";

/** Errors of code that was right in an older edition. */
const editionErrors = new Set(["E0782"]);

/**
 * Makes a library of one file: as it is, or, when that fails and the file shows its age, of a copy with what it lacks.
 * The file itself is never changed. Throws ERR_BUILD_FAILED with the place of the first error.
 */
export async function compileFile(job: FileJob): Promise<void> {
  const { run, file, source } = job;
  const asIs = await call(job, { edition: chooseEdition(source), standIn: null });
  const plan = planPrelude(source);
  if (asIs.isFine || !showsAge(asIs.report.errors, plan)) return end(job, asIs, []);
  run.tell(`${file} is not of today's Rust; it is compiled as edition ${oldEdition}, from a copy:`);
  for (const change of plan.changes) run.tell(`  ${change}`);
  const standIn = posix.join(posix.dirname(file), `.bloom-${posix.basename(file)}`);
  const place = join(job.folder, standIn);
  try {
    // What lies there by this name may be a link that an earlier build has left.
    await rm(place, { recursive: true, force: true });
    await writeFile(place, plan.text, { flag: "wx" });
    // Builds have other users than the daemon, whose umask is its own.
    await chmod(place, 0o644);
    end(job, await call(job, { edition: oldEdition, standIn }), plan.gone);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

function showsAge(errors: readonly RustcError[], plan: PreludePlan): boolean {
  return (
    plan.changes.length > 0 ||
    plan.gone.length > 0 ||
    errors.some(({ code }) => editionErrors.has(code ?? ""))
  );
}

interface Attempt {
  readonly isFine: boolean;
  readonly exitCode: number;
  readonly title: string;
  readonly report: RustcReport;
}

async function call(job: FileJob, how: Pick<RustcWish, "edition" | "standIn">): Promise<Attempt> {
  const { file, name, profile } = job;
  const step = job.stepOf(planRustc({ file, name, profile, ...how }));
  const { exitCode, stderr } = await job.run.capture(step);
  return { isFine: exitCode === 0, exitCode, title: step.title, report: readRustc(stderr) };
}

/** Puts what rustc has said into the log, and ends the build when it was no success. */
function end({ run, file }: FileJob, attempt: Attempt, gone: PreludePlan["gone"]): void {
  const { isFine, exitCode, title, report } = attempt;
  run.note(`$ ${title}`);
  for (const line of report.text) run.note(line);
  if (isFine) return;
  const [first] = report.errors;
  const [old] = gone;
  const where = old === undefined ? (first?.place ?? { file }) : { file, line: old.line, column: 1 };
  const message = old?.message ?? first?.message ?? `rustc ended with exit code ${exitCode}`;
  const more = report.errors.length - 1;
  throw new BloomError(
    "ERR_BUILD_FAILED",
    `${"line" in where ? `${where.file}:${where.line}:${where.column}` : where.file}: ${message}${more > 0 ? ` (and ${more} more)` : ""}`,
    {
      where,
      ...(/`prefork`/.test(message) ? { hint: needsCargo } : {}),
      details: { step: title, exitCode, signal: null, oom: false, tail: report.text.slice(-20) },
    },
  );
}
