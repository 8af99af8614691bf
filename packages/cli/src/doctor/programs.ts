import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { judge, type Check } from "./check.js";

const limitMs = 10_000;

export interface ProgramCheck {
  readonly name: string;
  /** Where it is, when it is none of PATH; null: nowhere. */
  readonly path?: string | null;
  readonly argv: readonly string[];
  readonly fix: string;
  readonly optional?: boolean;
  /** What to say when it worked; otherwise the first line it prints. */
  readonly found?: string;
}

/** Runs a program; fine when it is installed and succeeds. */
export async function checkProgram(wanted: ProgramCheck, env: NodeJS.ProcessEnv): Promise<Check> {
  const { name, argv, fix, optional = false, found } = wanted;
  const path = wanted.path === undefined ? await findProgram(name, env) : wanted.path;
  if (path === undefined || path === null) return judge(name, false, "not installed", fix, optional);
  return new Promise((resolve) => {
    execFile(path, [...argv], { timeout: limitMs, env }, (error, stdout, stderr) => {
      const [first = ""] = `${stdout}${stderr}`.trim().split("\n");
      const words = error === null ? (found ?? first) : first === "" ? error.message : first;
      resolve(judge(name, error === null, words === "" ? path : words, fix, optional));
    });
  });
}

/** Everything a program prints; undefined when it is not installed or fails. */
export async function runQuietly(
  name: string,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const path = await findProgram(name, env);
  if (path === undefined) return undefined;
  return new Promise((resolve) => {
    const options = { timeout: limitMs, env, maxBuffer: 64 * 1_048_576 };
    execFile(path, [...argv], options, (error, stdout, stderr) => {
      resolve(error === null ? `${stdout}${stderr}` : undefined);
    });
  });
}

/** The folders of PATH, then those that a plain user's PATH often lacks. */
async function findProgram(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const cargo = env["CARGO_HOME"] ?? join(env["HOME"] ?? homedir(), ".cargo");
  const usual = [join(cargo, "bin"), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"];
  for (const folder of [...(env["PATH"] ?? "").split(delimiter), ...usual]) {
    const path = join(folder, name);
    const isThere = await access(path, constants.X_OK).then(
      () => folder !== "",
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}
